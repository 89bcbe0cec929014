"""The mapping of an index as columns, each with a word for what its values are."""

from collections.abc import Iterator, Mapping
from typing import Any

_HARMLESS = {"type", "fields", "properties", "index", "doc_values", "store", "meta", "format"}
_HARMLESS |= {"dynamic", "include_in_root", "include_in_parent", "norms", "similarity", "path"}
_HARMLESS |= {"eager_global_ordinals", "index_options", "split_queries_on_whitespace", "boost"}
_HARMLESS |= {"coerce", "locale", "copy_to", "enabled", "time_series_dimension"}


def columns_of(mappings: Mapping[str, Any]) -> Mapping[str, str]:
    """The fields of all indices that go by one name, with dots in the names of inner ones. A word
    is the type, and behind it what keeps the field from holding plain values that can be asked
    for, as in `keyword with ignore_above` and `long inside of nested`; types that differ from
    index to index are told together."""
    words: dict[str, set[str]] = {}
    for mapping in mappings.values():
        fields = dict(_fields(mapping.get("properties", {}), "", nested=False))
        for name, word in fields.items():
            aliased = word.removeprefix("alias ")
            told = fields.get(aliased, "alias") if word.startswith("alias ") else word
            words.setdefault(name, set()).add(told)
    return {name: " or ".join(sorted(found)) for name, found in words.items()}


def _fields(
    properties: Mapping[str, Any], before: str, *, nested: bool
) -> Iterator[tuple[str, str]]:
    for name, declared in properties.items():
        whole = f"{before}{name}"
        yield whole, _word(declared, nested=nested)
        for more, variant in declared.get("fields", {}).items():
            yield f"{whole}.{more}", _word(variant, nested=nested)
        inside = nested or declared.get("type") == "nested"
        yield from _fields(declared.get("properties", {}), f"{whole}.", nested=inside)


def _word(declared: Mapping[str, Any], *, nested: bool) -> str:
    type_ = declared.get("type", "object")
    if type_ == "alias":
        return f"alias {declared['path']}"
    flaws = [f"with {key}" for key in sorted(declared.keys() - _HARMLESS) if declared[key]]
    if declared.get("index") is False:
        flaws.append("without index")
    if declared.get("doc_values") is False:
        flaws.append("without doc_values")
    return " ".join([type_, *flaws, *(["inside of nested"] if nested else [])])
