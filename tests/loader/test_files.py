"""Which files are read, in which order, and what is said of those that can't be."""

import os

from segflow.model.address import Address
from tests.loader.projects import codes, load


def segment(name: str) -> str:
    return f"segment: {name}\nentity: customer\nwhere: {{everyone: true}}\n"


def names(project) -> list[str]:
    return [loaded.name for loaded in project]


def test_folders_below_the_paths_are_read(tmp_path):
    """Both endings count, at any depth; other files and hidden ones do not."""
    files = {
        "segments/a.yaml": segment("a"),
        "segments/deep/er/b.yml": segment("b"),
        "catalog/c.yaml": segment("c"),
        "segments/notes.txt": "segment: [",
        "segments/.hidden.yaml": "segment: [",
        "segments/.git/d.yaml": "segment: [",
        "elsewhere/e.yaml": "segment: [",
        "segments/f.yaml~": "segment: [",
    }
    project, report = load(tmp_path, files)
    assert codes(report) == []
    assert names(project) == ["a", "b", "c"]


def test_the_kind_does_not_depend_on_the_folder(tmp_path):
    """Folders are a habit: any of them may hold any kind."""
    project, _ = load(tmp_path, {"rules/s.yaml": "source: w\nengine: sqlite\nurl: a.db\n"})
    assert project.source("w") is not None


def test_overlapping_paths_read_a_file_once(tmp_path):
    """A folder that is named twice, or inside of another, adds nothing."""
    toml = '[project]\nname = "a"\n[paths]\ninclude = ["conf", "conf/deep", "conf"]\n'
    project, report = load(tmp_path, {"segflow.toml": toml, "conf/deep/a.yaml": segment("a")})
    assert codes(report) == []
    assert names(project) == ["a"]


def test_the_project_folder_itself_may_be_named(tmp_path):
    """A dot reads everything below segflow.toml."""
    toml = '[project]\nname = "a"\n[paths]\ninclude = ["."]\n'
    project, report = load(tmp_path, {"segflow.toml": toml, "x/a.yaml": segment("a")})
    assert codes(report) == []
    assert names(project) == ["a"]
    assert project.sources.values[(Address("segment", "a"), ())].path == "x/a.yaml"


def test_findings_come_in_file_order(tmp_path):
    """Files are in the order of their paths, findings in that of their places."""
    files = {f"segments/{name}.yaml": "segment: s_" for name in ("c", "a", "b")}
    _, report = load(tmp_path, {**files, "catalog/z.yaml": "colour: red\n"})
    paths = [found.span.path for found in report if found.span]
    assert paths == sorted(paths)
    assert paths[0] == "catalog/z.yaml"


def test_a_duplicate_names_its_first_place(tmp_path):
    """Of two objects with one name the second is told, with the place of the first."""
    files = {
        "segments/a.yaml": segment("x") + "---\n" + segment("s"),
        "segments/b.yaml": segment("s"),
    }
    project, report = load(tmp_path, files)
    (found,) = report
    assert found.code == "NAM002"
    assert found.span is not None
    assert (found.span.path, found.span.line) == ("segments/b.yaml", 1)
    assert "segments/a.yaml:5" in found.summary
    assert names(project) == ["s", "x"]


def test_one_name_in_two_kinds_is_fine(tmp_path):
    """A name is unique in its kind only."""
    text = "relation: account\nfrom: {entity: customer, column: a}\nto: {entity: account}\n---\n"
    _, report = load(tmp_path, {"catalog/a.yaml": text + segment("account")})
    assert codes(report) == []


def test_an_object_with_an_error_is_left_out(tmp_path):
    """The project holds what is right; what is wrong keeps its place in the source map."""
    text = segment("good") + "---\nsegment: bad\nentity: customer\nwhere: {did: e, withn: 7d}\n"
    project, report = load(tmp_path, {"segments/a.yaml": text})
    assert report.has_errors
    assert [found.address for found in report] == ["segment.bad"]
    assert names(project) == ["good"]
    assert project.sources.value(Address("segment", "bad")) is not None


def test_a_link_inside_of_the_project_is_followed(tmp_path):
    """A linked file is read, and once only when both names are found."""
    load(tmp_path, {"shared/a.yaml": segment("a"), "segments/b.yaml": segment("b")})
    os.symlink(tmp_path / "shared" / "a.yaml", tmp_path / "segments" / "a.yaml")
    os.symlink(tmp_path / "segments" / "a.yaml", tmp_path / "segments" / "again.yaml")
    project, report = load(tmp_path, {})
    assert codes(report) == []
    assert names(project) == ["a", "b"]


def test_a_link_out_of_the_project_is_refused(tmp_path):
    """Neither a linked file nor a linked folder outside is read; it is an error, not silence."""
    load(tmp_path / "other", {"segments/a.yaml": "segment: ["})
    load(tmp_path / "shop", {"segments/b.yaml": segment("b")})
    outside = tmp_path / "other" / "segments"
    os.symlink(outside / "a.yaml", tmp_path / "shop" / "segments" / "a.yaml")
    os.symlink(outside, tmp_path / "shop" / "segments" / "deep")
    os.symlink(outside, tmp_path / "shop" / "rules")
    project, report = load(tmp_path / "shop", {})
    assert [(found.code, found.span and found.span.path) for found in report] == [
        ("YML010", "rules"),
        ("YML010", "segments/a.yaml"),
        ("YML010", "segments/deep"),
    ]
    assert names(project) == ["b"]


def test_a_circle_of_links_ends(tmp_path):
    """A folder that links to one above it is not walked again."""
    load(tmp_path, {"segments/a.yaml": segment("a")})
    os.symlink(tmp_path / "segments", tmp_path / "segments" / "self")
    project, report = load(tmp_path, {})
    assert codes(report) == []
    assert names(project) == ["a"]


def test_a_link_to_nothing_is_told(tmp_path):
    """A dangling link inside of the project can't be read, and says so."""
    load(tmp_path, {"segments/a.yaml": segment("a")})
    os.symlink(tmp_path / "segments" / "gone.yaml", tmp_path / "segments" / "b.yaml")
    _, report = load(tmp_path, {})
    assert codes(report) == ["YML009"]


def test_bytes_that_are_no_text_are_told_with_their_place(tmp_path):
    """The first byte that is not UTF-8 is shown; other files are read."""
    files = {"segments/a.yaml": b"segment: a\nowner: caf\xe9\n", "segments/b.yaml": segment("b")}
    project, report = load(tmp_path, files)
    (found,) = report
    assert found.code == "YML007"
    assert found.span is not None
    assert (found.span.line, found.span.column) == (2, 11)
    assert names(project) == ["b"]


def test_a_byte_order_mark_is_no_text(tmp_path):
    """Files of editors that begin with a mark are read."""
    project, report = load(tmp_path, {"segments/a.yaml": b"\xef\xbb\xbf" + segment("a").encode()})
    assert codes(report) == []
    assert names(project) == ["a"]


def test_empty_documents_are_nothing(tmp_path):
    """A file of comments, separators and empty documents declares nothing."""
    text = "# nothing yet\n---\n---\n# still nothing\n---\n" + segment("a") + "---\n"
    project, report = load(tmp_path, {"segments/a.yaml": text, "segments/b.yaml": ""})
    assert codes(report) == []
    assert names(project) == ["a"]


def test_line_ends_of_other_systems(tmp_path):
    """Lines that end in a carriage return and a line feed are counted as one."""
    text = "segment: a\r\nentity: customer\r\nwher: x\r\nwhere: {everyone: true}\r\n"
    _, report = load(tmp_path, {"segments/a.yaml": text})
    (found,) = report
    assert found.span is not None
    assert (found.span.line, found.span.column, found.span.text) == (3, 1, "wher: x")
