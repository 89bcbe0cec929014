"""Questions about rules that the commands' tests do not ask."""

from pathlib import Path

import pytest

from segflow.app.daemon import rehearse
from segflow.app.rules import listing, upcoming
from segflow.app.validate import load
from segflow.app.wiring import open_world
from segflow.clock import VirtualClock
from segflow.errors import RefusedError
from tests.executor.campaign import DAY, NOW, RULE, deploy, write_shop


def test_a_rule_whose_template_changed_is_not_as_deployed(tmp_path: Path) -> None:
    """Its own text is the same, what it would say is not."""
    rule = RULE.replace("{channel: push}", "{channel: push, template: hello.j2}")
    write_shop(tmp_path, rule, {"hello.j2": "Hello"})
    deploy(tmp_path)

    def status() -> str:
        compiled = load(tmp_path, None).compiled
        with open_world(compiled.project.settings, tmp_path) as world:
            (found,) = listing(world, compiled)
        return found.status

    assert status() == "deployed"
    (tmp_path / "templates/hello.j2").write_text("Hello!")
    assert status() == "changed"


def test_what_is_kept_of_people_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The state with its codes, the sets of members and recorded messages lie in folders that
    nobody else may look into."""
    write_shop(tmp_path)
    deploy(tmp_path)
    with open_world(load(tmp_path, None).compiled.project.settings, tmp_path) as world:
        rehearse(world, "winback", NOW)

    for folder in (".segflow", ".segflow/snapshots", ".segflow/rehearsed/winback"):
        assert (tmp_path / folder).stat().st_mode & 0o077 == 0, folder


def test_a_rule_that_is_gone_from_the_files_runs_until_it_is_deleted(tmp_path: Path) -> None:
    """The list says when, and whoever asks for it by name is told that it is deployed."""
    write_shop(tmp_path)
    deploy(tmp_path)
    (tmp_path / "rules/rules.yaml").unlink()
    compiled = load(tmp_path, None).compiled
    with open_world(compiled.project.settings, tmp_path, VirtualClock(NOW)) as world:
        (found,) = listing(world, compiled)
        assert (found.status, found.next) == ("deleted", NOW + DAY)
        with pytest.raises(RefusedError, match="rule.winback is deployed, but not in the files"):
            upcoming(world, compiled, "winback", 1)
