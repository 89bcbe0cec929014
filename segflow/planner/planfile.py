"""The plan file: a plan as bytes and back. The one module that knows their form.

JSON of one object: `format`, `format_version`, and `plan` in the canonical JSON of the model, whose
`id` is the SHA-256 of the rest of the plan. It holds counts and digests, never ids of users.
"""

import json
from typing import Any

from segflow.errors import RefusedError, UnsupportedVersionError
from segflow.model.codec import digest, from_json, to_json
from segflow.model.plan import Plan
from segflow.planner.plan import plan_id

FORMAT = "segflow plan"
FORMAT_VERSION = 2
"""The second one has scans."""

_PLAN_AGAIN = "make a new one with `segflow plan --out FILE`"
_ITS_OWN = "apply it with the segflow that made it, or plan again"


def to_bytes(plan: Plan) -> bytes:
    """The plan as the content of a file; equal plans give equal bytes."""
    document = {"format": FORMAT, "format_version": FORMAT_VERSION, "plan": to_json(plan)}
    return _text(document).encode() + b"\n"


def from_bytes(content: bytes) -> Plan:
    """The plan in a file's content.

    Raises UnsupportedVersionError for the file of a newer segflow, also one that has kept the
    version of the format and only knows more, and RefusedError for anything
    that to_bytes() did not write: another file, one cut short, one that was altered.
    """
    document = _document(content)
    version = document.get("format_version")
    if document.get("format") != FORMAT or type(version) is not int or version < 1:
        raise _no_plan()
    if version > FORMAT_VERSION:
        raise UnsupportedVersionError(
            f"the plan file has format version {version}, this segflow reads {FORMAT_VERSION}",
            hint=_ITS_OWN,
        )
    return _plan(document.get("plan"))


def _text(value: Any) -> str:
    """JSON as the codec of the model writes it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _no_plan() from error
    if not isinstance(document, dict):
        raise _no_plan()
    return document


def _plan(encoded: Any) -> Plan:
    try:
        plan = from_json(encoded)
        unaltered = isinstance(plan, Plan) and plan_id(plan) == plan.id
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise _unread(encoded) from error
    if not unaltered:
        raise _unread(encoded)
    found: Plan = plan
    return found


def _no_plan() -> RefusedError:
    return RefusedError("the file is not a plan of segflow, or was cut short", hint=_PLAN_AGAIN)


def _unread(encoded: Any) -> RefusedError | UnsupportedVersionError:
    """What is told of a plan that can't be read: by its id it is as it was written, or is not."""
    if _is_as_written(encoded):
        return UnsupportedVersionError(
            "the plan file was written by another version of segflow, and holds what this one does"
            " not know",
            hint=_ITS_OWN,
        )
    return RefusedError("the plan file was altered since it was written", hint=_PLAN_AGAIN)


def _is_as_written(encoded: Any) -> bool:
    try:
        return bool(digest(_text(encoded | {"id": ""})) == encoded["id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
