"""Settings of channels: whether they are what the kind wants, and as plain values with secrets.

What a kind wants is the JSON Schema beside its adapter, in which `type: secret` is a `${NAME}`.
The adapters are not imported for it: what they need may not be installed.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from segflow.model.channel import Channel
from segflow.model.settings import SecretRef, plain

Json = dict[str, Any]

KINDS = ("coupon", "file", "webhook")
"""The kinds that have an adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFinding:
    """What is wrong with a setting; `path` leads to it from the channel's mapping."""

    path: tuple[str | int, ...]
    message: str
    help: str | None = None


def check_settings(channel: Channel) -> tuple[SettingFinding, ...]:
    """All that is wrong with the settings of a channel whose kind is one of KINDS; nothing is said
    of other kinds."""
    if channel.kind not in KINDS:
        return ()
    given = plain(channel.settings, lambda secret: secret)
    errors = sorted(_errors(channel.kind, given), key=lambda error: error.json_path)
    schema = _schema(channel.kind)
    found = (finding for error in errors for finding in _findings(error, schema))
    return tuple(dict.fromkeys(found))


_TYPES = Draft202012Validator.TYPE_CHECKER.redefine(
    "secret", lambda checker, instance: isinstance(instance, SecretRef)
)


@cache
def _schema(kind: str) -> Json:
    text = files("segflow.channels").joinpath(f"{kind}.json").read_text(encoding="utf-8")
    schema: Json = json.loads(text)
    return schema


def _errors(kind: str, given: Json) -> Iterator[ValidationError]:
    judge = extend(Draft202012Validator, type_checker=_TYPES)  # type: ignore[no-untyped-call]
    yield from judge(_schema(kind)).iter_errors(given)


def _findings(error: ValidationError, schema: Json) -> Iterator[SettingFinding]:
    path = tuple(error.absolute_path)
    match error.validator, error.instance:
        case "required", dict() as given:
            for name in _required(error.schema):
                if name not in given:
                    yield SettingFinding(path=path, message=f"the setting `{name}` is missing")
        case "additionalProperties", dict() as given:
            yield from _unknown(path, given, error.schema)
        case _:
            if "propertyNames" in error.absolute_schema_path:
                path = (*path, str(error.instance))
            message = f"`{path[-1]}` has to be {_wanted(error, schema)}"
            yield SettingFinding(path=path, message=message)


def _required(schema: Any) -> Iterator[str]:
    yield from schema["required"]


def _unknown(
    path: tuple[str | int, ...], given: Mapping[str, Any], schema: Any
) -> Iterator[SettingFinding]:
    known = list(schema["properties"])
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            help = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}"
            yield SettingFinding(
                path=(*path, name),
                message=f"the setting `{name}` is not known",
                help=help if known else "remove it",
            )


def _wanted(error: ValidationError, schema: Json) -> str:
    """The description in the schema that stands nearest above what is not met."""
    wanted = "something else"
    at: Any = schema
    for step in error.absolute_schema_path:
        at = at[step]
        if isinstance(at, dict):
            wanted = at.get("description", wanted)
    return wanted
