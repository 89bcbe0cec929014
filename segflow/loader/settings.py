"""Reads segflow.toml: strict keys, an environment folded in, and every fault with its place."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from segflow.diagnostics import Diagnostic
from segflow.loader.files import read_text
from segflow.loader.nodes import SourceFile, shorten
from segflow.loader.suggest import did_you_mean, did_you_mean_or_list
from segflow.loader.times import is_zone, zone_fix
from segflow.loader.toml import TomlPlaces, error_span
from segflow.model.project import LintSettings, Settings, StateSettings

FILE = "segflow.toml"
DEFAULT_ENVIRONMENT = "default"

KeyPath = tuple[str, ...]
Read = Callable[["_Reader", Any, KeyPath], Any]
"""Reads one value; None, with an error noted, where it is wrong."""


def load_settings(root: Path, environment: str | None, found: list[Diagnostic]) -> Settings:
    """The settings of a project; what is wrong in the file is noted and left at its default."""
    file = read_text(root, FILE, found, code="TOM001")
    if file is None:
        return Settings(name=root.name)
    try:
        content = tomllib.loads(file.text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error).partition(" (at ")[0]
        span = error_span(file, str(error))
        found.append(Diagnostic(code="TOM002", summary=f"broken TOML: {reason}", span=span))
        return Settings(name=root.name)
    except RecursionError:
        found.append(_too_deep(file))
        return Settings(name=root.name)
    reader = _Reader(file, found)
    tables = reader.table(content, (), _TABLES)
    _look_for_folders(reader, tables.get("paths", {}).get("include", ()), root)
    return _settings(reader, tables, environment, root.name)


def _too_deep(file: SourceFile) -> Diagnostic:
    span = file.range(0, 0, 0, 1)
    return Diagnostic(code="TOM002", summary="broken TOML: nested too deeply", span=span)


def _settings(
    reader: "_Reader", tables: Mapping[str, Any], environment: str | None, fallback: str
) -> Settings:
    project = tables.get("project", {})
    if "name" not in project:
        if not reader.faulty & {("project",), ("project", "name")}:
            help = 'the file begins with [project] and name = "shop"'
            reader.error("TOM004", "the project has no name", ("project",), help, at_key=True)
        project = {**project, "name": fallback}
    chosen = _environment(reader, tables.get("environments", {}), environment)
    state = {**tables.get("state", {}), **chosen.get("state", {})}
    optional: dict[str, Any] = {}
    if (folders := tables.get("paths", {}).get("include")) is not None:
        optional["paths"] = folders
    return Settings(
        name=project["name"],
        environment=environment or DEFAULT_ENVIRONMENT,
        timezone=chosen.get("timezone", project.get("timezone", "UTC")),
        state=StateSettings(**state),
        secrets=tables.get("secrets", {}).get("allow", ()),
        environments=tuple(tables.get("environments", {})),
        lint=LintSettings(**tables.get("lint", {})),
        **optional,
    )


def _look_for_folders(reader: "_Reader", folders: Sequence[str], root: Path) -> None:
    """Warn of folders that were named and are not there: nothing is read from them. Those that are
    looked for without being named need not be there."""
    for folder in folders:
        if (root / folder).is_dir():
            continue
        summary, help = f"there is no folder `{shorten(folder)}`", "make it, or take it out"
        if (root / folder).is_file():
            summary = f"`{shorten(folder)}` is a file, and folders are named here"
            help = "name the folder that it is in"
        elif near := did_you_mean(folder, _folders_in(root)):
            help = near
        reader.warn("TOM006", f"{summary}: nothing is read from it", ("paths", "include"), help)


def _folders_in(root: Path) -> list[str]:
    """The folders of a project, without those that are hidden."""
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir() and entry.name[0] != ".")


def _environment(
    reader: "_Reader", declared: Mapping[str, Any], environment: str | None
) -> Mapping[str, Any]:
    """The overrides of the chosen environment; the default one needs no declaration."""
    if environment is None or (environment == DEFAULT_ENVIRONMENT and environment not in declared):
        return {}
    if environment not in declared:
        near = did_you_mean(environment, declared)
        help = f"{near} Otherwise add" if near else "add"
        help = f"{help} [environments.{environment}]"
        summary = f"the environment `{shorten(environment)}` is not declared"
        reader.error("TOM005", summary, ("environments",), help, at_key=True)
        return {}
    chosen: Mapping[str, Any] = declared[environment]
    return chosen


class _Reader:
    """Checks values against what is expected, and notes what is wrong at its place."""

    def __init__(self, file: SourceFile, found: list[Diagnostic]) -> None:
        self.places = TomlPlaces(file)
        self.found = found
        self.faulty: set[KeyPath] = set()

    def error(
        self, code: str, summary: str, path: KeyPath, help: str | None, *, at_key: bool = False
    ) -> None:
        """Note an error at a value, or at its key."""
        self.faulty.add(path)
        span = self.places.key(path) if at_key else self.places.value(path)
        self.found.append(Diagnostic(code=code, summary=summary, help=help, span=span))

    def warn(self, code: str, summary: str, path: KeyPath, help: str) -> None:
        """Note something that is odd and no error, at a value."""
        span = self.places.value(path)
        self.found.append(
            Diagnostic(code=code, summary=summary, help=help, span=span, severity="warning")
        )

    def wrong(self, path: KeyPath, expected: str) -> None:
        """Note that the value is not what was expected."""
        self.error("TOM004", f"`{'.'.join(path)}` must be {expected}", path, None)

    def table(self, value: Any, path: KeyPath, keys: Mapping[str, Read]) -> dict[str, Any]:
        """The keys of a table that are right."""
        if not isinstance(value, dict):
            self.wrong(path, "a table")
            return {}
        right = {}
        for key, inner in value.items():
            where = (*path, key)
            if key not in keys:
                place = f"[{'.'.join(path)}]" if path else FILE
                summary = f"unknown key `{shorten(key)}` in {place}"
                self.error("TOM003", summary, where, did_you_mean_or_list(key, keys), at_key=True)
            elif (read := keys[key](self, inner, where)) is not None:
                right[key] = read
        return right


def _text(reader: _Reader, value: Any, path: KeyPath) -> str | None:
    if not isinstance(value, str) or not value.strip():
        reader.wrong(path, "text in quotes")
        return None
    if "${" in value:
        help = "secrets fill the url of a source or replica and the settings of a channel"
        reader.error("SEC002", "a secret may not stand here", path, help)
        return None
    return value


def _zone(reader: _Reader, value: Any, path: KeyPath) -> str | None:
    text = _text(reader, value, path)
    if text is None or is_zone(text):
        return text
    summary = f"`{shorten(text)}` is not a known time zone"
    reader.error("VAL005", summary, path, zone_fix(text))
    return None


def _texts(reader: _Reader, value: Any, path: KeyPath) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return tuple(value)
    reader.wrong(path, "a list of texts")
    return None


def _codes(reader: _Reader, value: Any, path: KeyPath) -> tuple[str, ...] | None:
    codes = _texts(reader, value, path)
    for code in codes or ():
        if not re.fullmatch("[A-Z]{3}[0-9]{3}", code, re.ASCII):
            help = "a code is three letters and three digits, such as LNT005"
            reader.error("TOM004", f"`{shorten(code)}` is no code", path, help)
            return None
    return codes


def _number(reader: _Reader, value: Any, path: KeyPath) -> int | None:
    if type(value) is int and value >= 0:
        return value
    reader.wrong(path, "a whole number from 0")
    return None


def _folders(reader: _Reader, value: Any, path: KeyPath) -> tuple[str, ...] | None:
    folders = _texts(reader, value, path)
    for folder in folders or ():
        parts = PurePosixPath(folder)
        if parts.is_absolute() or ".." in parts.parts or "\0" in folder:
            help = "name folders inside of the project"
            reader.error("TOM004", f"`{shorten(folder)}` leads out of the project", path, help)
            return None
    return None if folders is None else tuple(str(PurePosixPath(folder)) for folder in folders)


def _table(keys: Mapping[str, Read]) -> Read:
    return lambda reader, value, path: reader.table(value, path, keys)


def _environments(reader: _Reader, value: Any, path: KeyPath) -> dict[str, Any]:
    if not isinstance(value, dict):
        reader.wrong(path, "a table")
        return {}
    return reader.table(value, path, dict.fromkeys(value, _table(_ENVIRONMENT)))


_STATE: Mapping[str, Read] = {"url": _text, "snapshots": _text}
_ENVIRONMENT: Mapping[str, Read] = {"timezone": _zone, "state": _table(_STATE)}
_TABLES: Mapping[str, Read] = {
    "project": _table({"name": _text, "timezone": _zone}),
    "state": _table(_STATE),
    "environments": _environments,
    "secrets": _table({"allow": _texts}),
    "paths": _table({"include": _folders}),
    "lint": _table({"ignore": _codes, "unbounded": _number}),
}
