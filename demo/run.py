"""The demo: real purchases, from YAML to a plan to deployed segments, and a month of coupon rules.

Works in a copy, so that no tracked file changes: a temporary folder that is removed at the end,
or the one that --keep names. The picture of the funnel stays: demo/funnel.svg, or in that folder.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SEGFLOW = Path(sys.executable).with_name("segflow")
PROJECT = (
    *("segflow.toml", "catalog", "channels", "segments", "checks", "rules", "templates", "data"),
)
FUNNEL = "funnel.svg"

NEW_YEAR = "1998-01-01T00:00:00Z"
A_DAY_LATER = "1998-01-02T00:00:00Z"
A_MONTH_LATER = "1998-02-01T00:00:00Z"

ONE_MORNING = "1997-03-10T09:00:00Z"
SPAN = ("1997-03-10T00:00:00Z", "1997-04-09T00:00:00Z")
"""Thirty days in which customers are still arriving."""

EDITS = (
    ("segments/value.yaml", "{field: spend_90d, gte: 100}", "{field: spend_90d, gte: 150}"),
    (
        "segments/value.yaml",
        "{did: purchase, at_least: 3, within: 90d}",
        "{did: purchase, at_least: 4, within: 180d}",
    ),
)


def say(text: str) -> None:
    """One paragraph of the story."""
    print(f"\n# {text}", flush=True)


def segflow(folder: Path, *arguments: str) -> None:
    """Run one command as a person would, and show it. A command that fails ends the demo."""
    print(f"\n$ segflow {' '.join(arguments)}", flush=True)
    done = subprocess.run([SEGFLOW, *arguments], cwd=folder, check=False)
    if done.returncode:
        sys.exit(f"segflow {arguments[0]} ended with exit code {done.returncode}")


def copy_project(folder: Path) -> None:
    """Put the project's own files, and nothing else of the checkout, into the folder."""
    for name in PROJECT:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        elif source.exists():
            shutil.copy(source, folder / name)


def edit(folder: Path) -> None:
    """Make the edits of a pull request, and show them."""
    for name, before, after in EDITS:
        path = folder / name
        text = path.read_text()
        if text.count(before) != 1:
            sys.exit(f"{name} does not hold {before!r} once")
        path.write_text(text.replace(before, after))
        print(f"\n  {name}\n  - where: {before}\n  + where: {after}", flush=True)


def tell(folder: Path, picture: Path) -> None:
    """The story, command by command."""
    tell_segments(folder)
    tell_rules(folder, picture)


def tell_segments(folder: Path) -> None:
    """From YAML to a plan to deployed segments."""
    say("23,570 customers of a CD shop and their 69,659 purchases; nine segments in YAML.")
    segflow(folder, "validate")
    say("Some segments have tests: a made-up customer, and whether that is a member.")
    segflow(folder, "test")
    say("On 1 January 1998 nothing is deployed yet. What would an apply do?")
    segflow(folder, "plan", "--as-of", NEW_YEAR, "--out", "first.plan")
    say("The saved plan is applied exactly as it was shown.")
    segflow(folder, "apply", "first.plan")
    segflow(folder, "plan", "--as-of", NEW_YEAR)
    say("A pull request edits two segments. The plan says who would enter and who would leave,")
    print("# in those two and in the segment that is made of one of them.", flush=True)
    edit(folder)
    segflow(folder, "plan", "--as-of", A_DAY_LATER)
    segflow(folder, "apply", "--as-of", A_DAY_LATER, "--auto-approve")
    say("A month passes. Nobody touches the YAML; a refresh follows the customers.")
    segflow(folder, "refresh", "--as-of", A_MONTH_LATER)
    segflow(folder, "segment", "list")
    segflow(folder, "segment", "history", "big_spenders")
    say("Why is customer 8 in win_back, or why not?")
    segflow(folder, "segment", "explain", "win_back", "--key", "8", "--as-of", A_MONTH_LATER)
    say("And the query that the segment becomes:")
    segflow(folder, "compile", "lapsed_7d", "--as-of", A_MONTH_LATER)
    say("What the service desk knows of customers is in another store. quiet_gold asks both, and")
    print("# its YAML names neither. Who is asked what, and why?", flush=True)
    segflow(folder, "compile", "quiet_gold", "--explain", "--as-of", A_MONTH_LATER)


def tell_rules(folder: Path, picture: Path) -> None:
    """A month of rules that run by themselves."""
    say("Rules say who of a segment gets what, and when; three are deployed beside the segments.")
    segflow(folder, "rule", "list")
    say("What would the coupon rule do on one morning of March 1997? A rehearsal sends nothing.")
    segflow(folder, "rule", "run", "winback_coupon", "--at", ONE_MORNING)
    say(
        "Thirty days of March and April 1997, when customers are arriving, as the daemon runs them:"
    )
    print("# in virtual time, on a copy of the state, with nobody at the keyboard.", flush=True)
    start, end = SPAN
    segflow(folder, "daemon", "--from", start, "--to", end, "--picture", str(picture))
    say(f"Where everybody ended, as a picture: {picture}")


def main() -> None:
    """Tell the story in a copy of the project."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work in DIR and leave it there")
    keep: Path | None = parser.parse_args().keep
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        copy_project(keep)
        tell(keep, keep / FUNNEL)
        return
    with tempfile.TemporaryDirectory(prefix="segflow-demo-") as folder:
        copy_project(Path(folder))
        tell(Path(folder), CHECKOUT / "demo" / FUNNEL)
    print("\nThe demo worked in a temporary copy; no tracked file of your checkout changed.")


if __name__ == "__main__":
    main()
