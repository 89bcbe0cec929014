"""The project speaks of itself only: its files name no machine that it was written on."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE_BY_TOOLS = {
    ".git",
    ".venv",
    "__pycache__",
    ".pytest_cache",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
    ".import_linter_cache",
    ".segflow",
    "build",
    "dist",
}
# Written apart, so that this file passes its own test.
FORBIDDEN = tuple(
    "".join(parts)
    for parts in (
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/ho", "me/"),
        ("/opt/", "wheels"),
        ("../", "shared"),
        ("python", "hosted.org"),
        ("pypi.org/", "simple"),
        ("repo.maven.", "apache.org"),
        ("repo1.", "maven.org"),
        ("proxy.", "golang.org"),
        ("registry.", "npmjs.org"),
    )
)


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every text file below the folder that people wrote; bytes that are no UTF-8 are no text."""
    for path in sorted(folder.iterdir()):
        if path.name in MADE_BY_TOOLS or path.is_symlink():
            continue
        if path.is_dir():
            yield from texts(path)
        else:
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def places(folder: Path) -> list[str]:
    """Where a forbidden word stands, as path:line and the word."""
    return [
        f"{path.relative_to(folder)}:{number} {word}"
        for path, text in texts(folder)
        for number, line in enumerate(text.splitlines(), start=1)
        for word in FORBIDDEN
        if word in line
    ]


def test_no_file_names_a_machine_or_a_registry():
    """No path of one person's machine and no registry's host stands in any file."""
    assert places(ROOT) == []


def test_a_forbidden_word_is_found(tmp_path):
    """The search sees each word, in folders and in hidden files too."""
    (tmp_path / "deep" / ".ci").mkdir(parents=True)
    (tmp_path / "deep" / ".ci" / "run").write_text("\n".join(FORBIDDEN))
    assert len(places(tmp_path)) == len(FORBIDDEN)
