"""The bar itself, drawn by rich on stderr."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class RichBar:
    """One bar, on screen until it is stopped. While the total is unknown it pulses."""

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console or Console(stderr=True),
            transient=True,
            # What the command prints comes when the bar is gone.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("", total=None)
        self._progress.start()

    def update(self, what: str, done: int, total: int) -> None:
        """Draw that `done` of `total` parts of `what` are finished."""
        self._progress.update(
            self._task, description=what or "working", completed=done, total=total or None
        )

    def stop(self) -> None:
        """Wipe the bar away."""
        self._progress.stop()
