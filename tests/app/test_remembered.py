"""A plan with nothing to do may come from memory, and only then."""

import json
from pathlib import Path

import pytest

from segflow.app.apply import apply
from segflow.app.plan import make_plan
from segflow.app.remembered import remember, texts, unchanged_plan
from segflow.app.validate import load
from segflow.app.wiring import open_world
from segflow.model.instant import Instant
from segflow.model.plan import Plan

T = Instant(883_612_800_000)


def deploy(root: Path) -> Plan:
    """Apply the project, remember it, and return the plan that reading everything gives."""
    compiled = load(root, None).compiled
    with open_world(compiled.project.settings, root) as world:
        apply(world, make_plan(world, compiled, T))
        remember(world, compiled, texts(world))
        return make_plan(world, compiled, T)


def recalled(root: Path) -> Plan | None:
    """What memory says now."""
    settings = load(root, None).compiled.project.settings
    with open_world(settings, root) as world:
        return unchanged_plan(world, texts(world), T, impact=True)


def test_memory_gives_the_plan_that_reading_gives(fresh: Path) -> None:
    """With nothing changed the remembered plan equals the one that is made by reading all files."""
    read = deploy(fresh)

    assert read.is_empty
    assert recalled(fresh) == read


def test_nothing_is_remembered_before_an_apply(fresh: Path) -> None:
    """Where nothing is deployed memory is silent."""
    assert recalled(fresh) is None


@pytest.mark.parametrize("change", ["edit", "add", "remove", "settings", "template", "codes"])
def test_any_change_of_a_file_silences_memory(fresh: Path, change: str) -> None:
    """An edited, new or removed file, of whatever kind, makes a plan read everything."""
    spare = fresh / "segments" / "spare.yaml"
    spare.write_text("segment: spare\nentity: customer\nwhere: {everyone: true}\n")
    deploy(fresh)
    assert recalled(fresh) is not None

    match change:
        case "edit":
            spare.write_text(spare.read_text().replace("everyone: true", "did: purchase"))
        case "add":
            (fresh / "segments" / "new.yaml").write_text(
                "segment: new\nentity: customer\nwhere: {everyone: true}\n"
            )
        case "remove":
            spare.unlink()
        case "template":
            (fresh / "templates" / "hi.j2").write_text("Hello\n")
        case "codes":
            (fresh / "codes" / "five.txt").write_text("FIVE-1\n")
        case "settings":
            settings = fresh / "segflow.toml"
            settings.write_text(settings.read_text() + '\n[state]\nsnapshots = "elsewhere"\n')

    assert recalled(fresh) is None


def test_another_deployed_state_silences_memory(fresh: Path) -> None:
    """Files that are as remembered do not hide that something else is deployed."""
    segment = fresh / "segments" / "spare.yaml"
    first = "segment: spare\nentity: customer\nwhere: {everyone: true}\n"
    segment.write_text(first)
    deploy(fresh)
    memory = fresh / ".segflow" / "cache" / "project.json"
    remembered = memory.read_text()
    segment.write_text(first.replace("everyone: true", "did: purchase"))
    compiled = load(fresh, None).compiled
    with open_world(compiled.project.settings, fresh) as world:
        apply(world, make_plan(world, compiled, Instant(T + 1)))
    segment.write_text(first)
    memory.write_text(remembered)

    assert recalled(fresh) is None


def test_another_deployed_template_silences_memory(fresh: Path) -> None:
    """Somebody applied another content of a file that an object names, whose own text is the
    same."""
    deploy(fresh)
    memory, template = fresh / ".segflow/cache/project.json", fresh / "templates/hi.j2"
    remembered, first = memory.read_text(), template.read_text()
    template.write_text("Hello\n")
    compiled = load(fresh, None).compiled
    with open_world(compiled.project.settings, fresh) as world:
        apply(world, make_plan(world, compiled, Instant(T + 1)))
    template.write_text(first)
    memory.write_text(remembered)

    assert recalled(fresh) is None


def test_what_is_saved_while_a_project_is_read_is_not_remembered(fresh: Path) -> None:
    """An edit, of YAML or of a list, between reading and remembering makes the next plan read."""
    segment, vips = fresh / "segments" / "spare.yaml", fresh / "vips.csv"
    text = "segment: spare\nentity: customer\nwhere: {in_file: vips.csv}\n"
    for saved, edited in ((segment, text + "owner: growth\n"), (vips, "1\n2\n")):
        segment.write_text(text)
        vips.write_text("1\n")
        compiled = load(fresh, None).compiled
        with open_world(compiled.project.settings, fresh) as world:
            seen = texts(world)
            apply(world, make_plan(world, compiled, T))
            saved.write_text(edited)
            remember(world, compiled, seen)
            assert unchanged_plan(world, texts(world), T, impact=True) is None


@pytest.mark.parametrize("content", ["", "[]", "{", json.dumps({"texts": 1, "objects": None})])
def test_odd_memory_is_no_memory(fresh: Path, content: str) -> None:
    """Whatever stands in the file, the worst it does is nothing."""
    deploy(fresh)
    (fresh / ".segflow" / "cache" / "project.json").write_text(content)

    assert recalled(fresh) is None
