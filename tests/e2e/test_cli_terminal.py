"""The command as a process on a real terminal: questions, colours, Ctrl-C, kill -9."""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

AS_OF = "2026-04-01T00:00:00Z"
QUESTION = 'Only "yes" is taken for a yes: '
ENVIRONMENT = {**os.environ, "TERM": "xterm", "COLUMNS": "100"} | {"NO_COLOR": ""}

RULES = """\
channel: mail
kind: file
path: outbox/mail.jsonl
live: {environments: [default]}
---
rule: hello
segment: lapsed_30d
trigger: {cron: "0 9 29 feb *"}
send: [{channel: mail}]
"""


class Terminal:
    """A segflow process whose stdin, stdout and stderr are one terminal."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "segflow", *words],
            cwd=folder,
            env=ENVIRONMENT | environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            # A session with that terminal, so that Ctrl-C typed there reaches the process.
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.shown = ""

    def read_until(self, text: str) -> None:
        """Read what is shown until the text is on the screen."""
        while text not in self.shown:
            assert self._read(), f"the process ended without {text!r}:\n{self.shown}"

    def type(self, text: str) -> None:
        """Type as a person would."""
        os.write(self._ours, text.encode())

    def end(self) -> int:
        """Read the rest and give the exit code."""
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(timeout=60)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], 60)
        assert ready, f"nothing was shown for a minute:\n{self.shown}"
        try:
            said = os.read(self._ours, 65536)
        except OSError:  # Linux tells the end of a terminal so
            return False
        self.shown += said.decode().replace("\r\n", "\n")
        return bool(said)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example project, made once to be copied."""
    folder = tmp_path_factory.mktemp("template")
    assert run(folder, "init", "shop").returncode == 0
    return folder / "shop"


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Path:
    """The example project in a folder of its own; nothing is deployed."""
    return Path(shutil.copytree(template, tmp_path / "shop"))


def plain(shown: str) -> str:
    """Without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "segflow", *words],
        cwd=folder,
        env=ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_typed_yes_applies(shop):
    """The plan is shown, the question asked, and "yes" deploys it."""
    terminal = Terminal(shop, "apply", "--as-of", AS_OF)
    terminal.read_until(QUESTION)
    assert "6 to create" in terminal.shown
    terminal.type("yes\n")
    assert terminal.end() == 0
    assert "Applied" in terminal.shown
    assert run(shop, "plan", "--detailed-exitcode").returncode == 0


@pytest.mark.parametrize("answer", ["y\n", "\n", "\x04"])
def test_nothing_but_yes_applies(shop, answer):
    """Any other answer, and the end of input, leaves everything as it was."""
    terminal = Terminal(shop, "apply", "--as-of", AS_OF)
    terminal.read_until(QUESTION)
    terminal.type(answer)
    assert terminal.end() == 1
    assert "not applied" in terminal.shown
    assert not (shop / ".segflow" / "state.db").exists()


def test_ctrl_c_at_the_question(shop):
    """Ctrl-C ends with 130, without a traceback and without a change."""
    terminal = Terminal(shop, "apply", "--as-of", AS_OF)
    terminal.read_until(QUESTION)
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "interrupted" in terminal.shown
    assert "Traceback" not in terminal.shown
    assert not (shop / ".segflow" / "state.db").exists()


@pytest.fixture
def campaign(shop: Path) -> Path:
    """The example project with a rule, deployed."""
    (shop / "rules").mkdir()
    (shop / "rules" / "rules.yaml").write_text(RULES)
    assert run(shop, "apply", "--auto-approve", "--as-of", AS_OF).returncode == 0
    return shop


@pytest.mark.parametrize(("answer", "code", "sent"), [("yes\n", 0, True), ("y\n", 1, False)])
def test_a_live_run_asks_first(campaign, answer, code, sent):
    """A rehearsal is shown before the question, and only "yes" sends."""
    terminal = Terminal(campaign, "rule", "run", "hello", "--live", "--at", AS_OF)
    terminal.read_until(QUESTION)
    assert "nobody is reached" in terminal.shown
    assert not (campaign / "outbox").exists()
    terminal.type(answer)
    assert terminal.end() == code
    assert ("It was run." in terminal.shown) == sent
    assert (campaign / "outbox" / "mail.jsonl").exists() == sent


def test_ctrl_c_stops_a_daemon_in_peace(campaign):
    """On a terminal its log is for a person, and Ctrl-C ends it with 0."""
    terminal = Terminal(campaign, "daemon", "--health-port", "0")
    terminal.read_until("daemon started")
    terminal.type("\x03")
    assert terminal.end() == 0
    assert "told to stop  signal=SIGINT" in plain(terminal.shown)
    assert "daemon stopped" in terminal.shown
    assert '"event"' not in terminal.shown


@pytest.mark.parametrize(
    ("words", "environment", "colored"),
    [((), {}, True), (("--no-color",), {}, False), ((), {"NO_COLOR": "1"}, False)],
)
def test_colour_only_where_it_is_wanted(shop, words, environment, colored):
    """A terminal gets colours unless --no-color or NO_COLOR says otherwise."""
    terminal = Terminal(shop, "plan", "--no-impact", *words, **environment)
    assert terminal.end() == 0
    assert ("\x1b[" in terminal.shown) == colored


def test_a_failing_test_is_coloured_on_a_terminal_only(shop, tmp_path):
    """The file for CI has the same words without colour."""
    (shop / "checks").mkdir()
    (shop / "checks" / "one.yaml").write_text(
        "check: one\nsegment: lapsed_30d\n"
        "tests: [{name: never bought, as_of: 2026-03-31, expect: out}]\n"
    )
    terminal = Terminal(shop, "test", "--junit", str(tmp_path / "junit.xml"))
    assert terminal.end() == 1
    assert "\x1b[32m✓\x1b[0m did_not: purchase, within: 30d" in terminal.shown
    assert "✓ did_not: purchase, within: 30d" in (tmp_path / "junit.xml").read_text()


def test_no_colour_in_a_pipe(shop):
    """What is piped or saved has no escape codes."""
    assert "\x1b" not in run(shop, "plan", "--as-of", AS_OF).stdout


@pytest.mark.parametrize("words", ["segment members lapsed_30d", "schema"])
def test_a_closed_pipe_is_silent(shop, words):
    """A reader that goes away, as head does, is no error worth a word."""
    command = f"{sys.executable} -m segflow {words} | true"
    done = subprocess.run(command, shell=True, cwd=shop, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_killed_apply_is_finished_by_the_next(shop):
    """kill -9 in the middle: plan says so, the lock can be broken, the next apply finishes it."""
    apply = ("apply", "--auto-approve", "--as-of", AS_OF)
    killed = run(shop, *apply, SEGFLOW_FAILPOINT="apply.before.commit")
    assert killed.returncode == -signal.SIGKILL
    assert "an apply was interrupted" in run(shop, "plan").stderr
    locked = run(shop, *apply, "--lock-timeout", "0")
    assert locked.returncode == 1
    assert "unlock" in locked.stderr
    assert "Broke the lock of" in run(shop, "state", "unlock").stdout
    finished = run(shop, *apply)
    assert finished.returncode == 0
    assert "Finished an interrupted apply: 6 created" in finished.stdout
    assert finished.stdout.endswith("No changes.\n")
