"""What every test shares: the hypothesis profiles, and that Ctrl-C is heard.

`default` draws the same examples each time that the same modules of segflow are loaded (hypothesis
tries constants that stand in them), so that a run is repeatable; `thorough` draws new and many more
(`HYPOTHESIS_PROFILE=thorough make test`). How fast the machine is at the moment is no property of
the code, so no profile judges it.
"""

import gc
import os
import signal
import sys

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow]

settings.register_profile(
    "default",
    suppress_health_check=SLOW,
    deadline=None,
    derandomize=True,
    max_examples=100,
    print_blob=True,
)
settings.register_profile(
    "thorough", suppress_health_check=SLOW, deadline=None, max_examples=5_000, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


# A shell starts what runs in the background deaf to Ctrl-C, and programs inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    """Let go of all that tests held. Hypothesis leaves a callback with the garbage collector, which
    keeps fixtures and with them DuckDB's types alive beyond the end of the interpreter; DuckDB's
    bindings (nanobind) then print that they leaked. The Spark of tests ends before the process."""
    gc.callbacks.clear()
    if "tests.agreement.spark" in sys.modules:
        sys.modules["tests.agreement.spark"].end()
