"""Runs every bench and writes the table in bench/README.md with machine, date and commit."""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
HELPERS = {"measure.py", "run.py", "search.py"}
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def programs() -> list[Path]:
    """Every bench, by name."""
    return sorted(path for path in HERE.glob("*.py") if path.name not in HELPERS)


def run(program: Path, quick: bool) -> dict[str, object]:
    """The closing JSON of one bench; a bench that fails ends everything with its exit code."""
    command = [sys.executable, str(program), *(["--quick"] if quick else [])]
    done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(done.stdout)
    if done.returncode:
        sys.exit(done.returncode)
    line: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return line


def processor() -> str:
    """The processor's name where the machine tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def commit() -> str:
    """The short hash of what was measured, marked where the tree differs from it."""
    asked = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(
        asked, cwd=HERE, capture_output=True, text=True, check=True
    ).stdout.strip()


KNOWN = ("n", "segflow_s", "peer_s", "ratio", "agree")


def beside(size: dict[str, object]) -> str:
    """The figures that one bench alone has."""
    return ", ".join(f"{name} {value}" for name, value in size.items() if name not in KNOWN)


def table(results: list[dict[str, object]], today: str) -> str:
    """The figures as Markdown."""
    head = (
        f"Measured on {today} at commit {commit()}: {processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}.\n\n"
        "| bench | work | n | segflow s | peer | peer s | ratio | agree | beside |\n"
        "|---|---|---:|---:|---|---:|---:|---|---|\n"
    )
    rows = [
        f"| {result['name']} | {result['work']} | {size['n']:,} | {size['segflow_s']} "
        f"| {result['peer']} | {size['peer_s']} | {size['ratio']} "
        f"| {'yes' if size['agree'] else 'NO'} | {beside(size)} |"
        for result in results
        for size in result["sizes"]  # type: ignore[attr-defined]
    ]
    return head + "\n".join(rows)


def main() -> None:
    """Run them all; with --quick the figures are printed and not written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes; writes nothing")
    quick = parser.parse_args().quick
    results = [run(program, quick) for program in programs()]
    figures = table(results, date.today().isoformat())  # noqa: DTZ011 - a date for people
    print(figures)
    if not quick:
        readme = HERE / "README.md"
        before, _, rest = readme.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        readme.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}")


if __name__ == "__main__":
    main()
