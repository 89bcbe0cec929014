"""Ways into words: as tokens, as the text that people read, and the values there as JSON text."""

import json
import re
from json.encoder import encode_basestring

from segflow.model.wording_text import Plain, Word

Tokens = tuple[str | int, ...]
"""A way into words: keys of mappings and positions in lists."""

Pair = tuple[Tokens | None, Tokens | None]
"""One difference: the way to it in the old and in the new words; None where it is not there."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\Z")


def path_text(tokens: Tokens) -> str:
    """A path as a person writes it: where.all[0].within."""
    text = ""
    for token in tokens:
        if isinstance(token, str) and _KEY.match(token):
            text += f".{token}" if text else token
        else:
            text += f"[{json.dumps(token, ensure_ascii=False)}]"
    return text


def json_text(word: Word) -> str:
    """JSON text in the order of the words; plain digits are numbers, exactly as written."""
    match word:
        case Plain() if _NUMBER.match(word) or word in ("true", "false"):
            return str(word)
        case dict():
            items = (f"{json_text(str(key))}:{json_text(value)}" for key, value in word.items())
            return f"{{{','.join(items)}}}"
        case list():
            return f"[{','.join(json_text(item) for item in word)}]"
        case str():
            return encode_basestring(word)
        case _:
            return json.dumps(word)
