"""The shape of the package: imports go down, modules and functions are short and documented."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES = 400
FUNCTION_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.fixture(scope="module")
def modules() -> dict[str, str]:
    """The source of every module of the package by its path."""
    files = sorted((ROOT / "segflow").rglob("*.py"))
    return {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}


def functions(source: str) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, Function))


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_imports_go_down():
    """The contracts of pyproject.toml hold: layers, no cycles, no input or output inside."""
    lint_imports = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [lint_imports, "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def test_modules_are_short(modules):
    """No module is longer than 400 lines."""
    lengths = {path: len(source.splitlines()) for path, source in modules.items()}
    assert {path: lines for path, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_functions_are_short(modules):
    """No function is longer than 60 lines."""
    long = {
        f"{path}:{function.lineno} {function.name}": length(function)
        for path, source in modules.items()
        for function in functions(source)
        if length(function) > FUNCTION_LINES
    }
    assert long == {}


def test_modules_say_what_they_are_for(modules):
    """Every module begins with a docstring."""
    silent = [path for path, source in modules.items() if not ast.get_docstring(ast.parse(source))]
    assert modules
    assert silent == []
