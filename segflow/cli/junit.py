"""Outcomes of tests as JUnit XML, which CI systems show."""

import re
from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree

from segflow.app.trials import Outcome
from segflow.cli.trial_view import plain_trace

# What XML 1.0 can't hold, not even as a reference.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(suites: Mapping[str, Sequence[Outcome]]) -> bytes:
    """The XML of outcomes by segment, as UTF-8. Each segment is a suite."""
    every = [outcome for outcomes in suites.values() for outcome in outcomes]
    root = ElementTree.Element("testsuites", {"name": "segflow", **_counts(every)})
    for segment, outcomes in suites.items():
        suite = ElementTree.SubElement(
            root, "testsuite", {"name": f"segment.{segment}", **_counts(outcomes)}
        )
        for outcome in outcomes:
            _case(suite, outcome)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _counts(outcomes: Iterable[Outcome]) -> dict[str, str]:
    found = tuple(outcomes)
    errors = sum(outcome.is_error for outcome in found)
    failures = sum(not outcome.passed for outcome in found) - errors
    return {"tests": str(len(found)), "failures": str(failures), "errors": str(errors)}


def _case(suite: ElementTree.Element, outcome: Outcome) -> None:
    trial, span = outcome.trial, outcome.span
    named = {"classname": f"segment.{trial.segment}", "name": _text(trial.name)}
    if span is not None:
        named |= {"file": _text(span.path), "line": str(span.line)}
    case = ElementTree.SubElement(suite, "testcase", named)
    if outcome.passed:
        return
    kind = "error" if outcome.is_error else "failure"
    message = _text("; ".join(outcome.faults))
    fault = ElementTree.SubElement(case, kind, {"type": kind, "message": message})
    fault.text = _text("\n".join(plain_trace(outcome)))


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
