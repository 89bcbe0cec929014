"""The command as a whole: help, usage errors, interruptions, and how fast it starts."""

import ast
import json
import os
import subprocess
import sys

import click
import pytest

from segflow import __version__
from segflow.cli import main as entry
from segflow.cli.lazy import LazyGroup

HEAVY = (
    "duckdb",
    "pyarrow",
    "deepdiff",
    "sqlalchemy",
    "sqlalchemy.dialects.mysql",
    "sqlglot",
    "rich.progress",
    "jsonschema",
)


def declared() -> list[tuple[str, ...]]:
    """The words of every command."""
    groups = [((name,), group) for name, group in entry.cli.commands.items()]
    return [
        (*prefix, name) for prefix, group in [((), entry.cli), *groups] for name in group.summaries
    ]


def found(words: tuple[str, ...]) -> tuple[LazyGroup, click.Command]:
    """The group and the command of some words."""
    group = (
        entry.cli if len(words) == 1 else entry.cli.get_command(click.Context(entry.cli), words[0])
    )
    assert isinstance(group, LazyGroup)
    command = group.get_command(click.Context(group), words[-1])
    assert command is not None
    return group, command


@pytest.mark.parametrize("words", declared())
def test_the_summary_in_the_group_is_the_commands_own(words):
    """The lazy table repeats each command's name and first line truly."""
    group, command = found(words)
    assert command.name == words[-1]
    assert command.get_short_help_str(200) == group.summaries[words[-1]]


@pytest.mark.parametrize("words", declared())
def test_every_command_takes_the_global_options(words):
    """--json, --no-color and --debug everywhere; --project and --env in projects."""
    _, command = found(words)
    options = {option for param in command.params for option in param.opts}
    assert {"--json", "--no-color", "--debug"} <= options
    assert ({"--project", "--env"} <= options) == (words[0] not in ("init", "schema", "show"))


@pytest.mark.parametrize("words", declared())
def test_every_command_explains_itself(segflow, words):
    """--help works everywhere, ends with 0, and every option is described."""
    result = segflow(*words, "--help")
    assert (result.code, result.err) == (0, "")
    assert f"Usage: segflow {' '.join(words)}" in result.out
    _, command = found(words)
    assert all(param.help for param in command.params if isinstance(param, click.Option))


def test_without_a_command_the_help_is_shown(segflow):
    """`segflow` alone is a question, not a success: help on stderr and exit code 1."""
    result = segflow()
    assert result.code == 1
    assert result.out == ""
    assert "validate" in result.err


def test_the_version(segflow):
    """--version prints name and version."""
    assert segflow("--version").out == f"segflow {__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plam",), "Did you mean 'plan'?"),
        (("segment", "cuont"), "Did you mean 'count'?"),
        (("init", "--jso"), "--json"),
        (("init", "a", "b"), "unexpected extra argument (b)"),
    ],
)
def test_a_usage_error_is_an_error(segflow, words, said):
    """A mistyped command says what was meant and ends with 1: 2 is kept for "there are changes"."""
    result = segflow(*words)
    assert (result.code, result.out) == (1, "")
    assert said in result.err
    assert "= help: see `segflow" in result.err


def test_a_usage_error_is_json_where_json_was_asked_for(segflow):
    """A program that asked for JSON gets JSON on stdout, and nothing on stderr."""
    result = segflow("init", "a", "b", "--json")
    assert (result.code, result.err) == (1, "")
    assert json.loads(result.out)["error"]["kind"] == "usage"


def test_the_shell_can_complete_commands(process):
    """The line of the reference makes bash complete the names of lazy commands too."""
    source = {"_SEGFLOW_COMPLETE": "bash_source", "PATH": os.environ["PATH"]}
    assert "complete" in process(env=source).out
    words = {"COMP_WORDS": "segflow segment co", "COMP_CWORD": "2"}
    asked = process(env=source | words | {"_SEGFLOW_COMPLETE": "bash_complete"})
    assert asked.out == "plain,count\n"


def failing_with(error: BaseException) -> LazyGroup:
    group = LazyGroup(name="segflow", lazy={})

    @group.command("boom", context_settings={"ignore_unknown_options": True})
    @click.argument("rest", nargs=-1)
    def boom(rest):
        raise error

    return group


def test_a_defect_shows_no_traceback(segflow, monkeypatch):
    """What nobody expected is one line and the way to report it."""
    monkeypatch.setattr(entry, "cli", failing_with(KeyError("x")))
    result = segflow("boom")
    assert result.code == 1
    assert "KeyError" in result.err
    assert "Traceback" not in result.err


def test_a_defect_shows_its_traceback_with_debug(segflow, monkeypatch):
    """--debug adds the traceback."""
    monkeypatch.setattr(entry, "cli", failing_with(KeyError("x")))
    result = segflow("boom", "--debug")
    assert result.code == 1
    assert "Traceback (most recent call last)" in result.err


def test_an_interruption_is_no_failure(segflow, monkeypatch):
    """Ctrl-C ends with 130 and one word."""
    monkeypatch.setattr(entry, "cli", failing_with(KeyboardInterrupt()))
    result = segflow("boom")
    assert result.code == 130
    assert result.err.strip() == "interrupted"


def started(prepared: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, in which something is prepared before it starts."""
    program = (
        f"import atexit, gc, sys\n{prepared}\n"
        "from segflow.cli.start import start\n"
        f"sys.argv[1:] = {words!r}\n"
        "start()\n"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_ctrl_c_while_the_command_still_loads_is_one_word_too():
    """Nobody sees where in its imports a command was."""
    interrupting = (
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'segflow.cli.main':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())"
    )
    done = started(interrupting, "--help")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_what_libraries_want_done_at_the_end_is_done(shop):
    """Also what they print then; and the exit code is the command's."""
    done = started("atexit.register(print, 'goodbye')", "segment", "count", "nobody")
    assert (done.returncode, done.stdout) == (1, "goodbye\n")


def test_garbage_is_looked_for_again_when_a_command_runs(shop):
    """While the program is imported it is not, and a daemon must not grow for that."""
    ending = "atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 10_000))"
    done = started(ending, "segment", "count", "win_back")
    count, *told = done.stdout.splitlines()
    assert (done.returncode, count.isdigit(), told, done.stderr) == (0, True, ["True True"], "")


@pytest.mark.parametrize(
    ("closed", "seen"), [("<&-", True), (">&-", False), ("2>&-", True), ("<&- >&- 2>&-", False)]
)
def test_streams_may_be_closed(shop, closed, seen):
    """As some schedulers start their programs."""
    words = ["sh", "-c", f'"$0" -m segflow segment list {closed}', sys.executable]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("win_back" in done.stdout) == seen


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_facts_that_can_not_be_written_are_an_error(shop, form):
    """A disk that is full is told on stderr, whatever form the facts have."""
    words = [sys.executable, "-m", "segflow", "segment", "list", *form]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("error: No space left on device\n")
    assert "Traceback" not in done.stderr


def test_text_that_the_terminal_can_not_show_is_escaped(process, tmp_path):
    """In a Latin-1 terminal a Chinese folder name is escaped, not a crash."""
    folder = tmp_path / "流失"
    result = process("init", str(folder), env={"PYTHONIOENCODING": "latin-1"})
    assert (result.code, result.err) == (0, "")
    assert "\\u6d41" in result.out


def loaded_by(*words: str) -> list[str]:
    """Which heavy packages a command loads, in a process of its own."""
    found = f"[name for name in {HEAVY!r} if name in sys.modules]"
    done = started(f"atexit.register(lambda: print({found}, file=sys.stderr))", *words)
    assert done.returncode == 0
    return ast.literal_eval(done.stderr)


@pytest.mark.parametrize("words", [["--help"], ["segment", "--help"], ["init", "--help"]])
def test_help_loads_nothing_heavy(words):
    """The help needs neither engines nor the state database."""
    assert loaded_by(*words) == []


def test_checking_the_files_loads_nothing_heavy(shop):
    """What editors and hooks run on every save reaches for no engine and no database."""
    assert loaded_by("validate", "--no-sources") == []


def test_a_plan_without_impact_loads_no_engine(shop):
    """Where no source is asked, DuckDB and Arrow stay on the disk."""
    assert not {"duckdb", "pyarrow"} & set(loaded_by("plan", "--no-impact"))


@pytest.mark.parametrize("words", [["plan"], ["segment", "count", "win_back"]])
def test_a_question_loads_no_other_engine(shop, words):
    """Where DuckDB is asked, what only MySQL's or a person's SQL needs stays on the disk."""
    loaded = set(loaded_by(*words))
    assert "duckdb" in loaded
    assert not {"sqlalchemy.dialects.mysql", "sqlglot"} & loaded
