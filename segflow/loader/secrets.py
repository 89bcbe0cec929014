"""Secrets, `${NAME}` as a whole value, and settings that are open by nature."""

import re

from segflow.loader.findings import Findings
from segflow.loader.nodes import ListNode, MapNode, Node, Scalar, shorten
from segflow.loader.shapes import Json, Shape
from segflow.loader.slots import TEXT
from segflow.loader.suggest import did_you_mean
from segflow.model.settings import SecretRef, Setting, SettingMap

_WHOLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}\Z", re.ASCII)
_INTEGER = re.compile(r"(0|-?[1-9][0-9]{0,17})\Z", re.ASCII)
_WORDS: dict[str, bool] = {"true": True, "false": False}


def read_secret(node: Scalar, found: Findings) -> SecretRef | None:
    """The reference in a scalar that holds `${`; None with an error where it is not allowed."""
    match = _WHOLE.match(node.text)
    if match is None:
        help = "let the whole value be ${NAME}, and put the rest of it into the secret"
        found.error("SEC003", "a secret is the whole value or none of it", node, help=help)
        return None
    name = match[1]
    if name not in found.secrets:
        help = f'add it to segflow.toml: [secrets] allow = ["{name}"]'
        if near := did_you_mean(name, sorted(found.secrets)):
            help = f"{near} Otherwise {help}"
        found.error("SEC001", f"the secret `{shorten(name)}` is not allowed", node, help=help)
        return None
    return SecretRef(name=name)


class SecretOrText(Shape[str | SecretRef]):
    """Text, or a secret."""

    def read(self, node: Node, found: Findings) -> str | SecretRef | None:
        if isinstance(node, Scalar) and "${" in node.text:
            return read_secret(node, found)
        return TEXT.read(node, found)

    @property
    def stand_in(self) -> str:
        return ""

    def schema(self, defs: Json) -> Json:
        return TEXT.schema(defs)


class OpenSettings(Shape["Setting"]):
    """Any JSON-like value: text, whole numbers, true and false, lists and mappings.

    Fractions stay text. Secrets only where `bears_secrets`.
    """

    def __init__(self, *, bears_secrets: bool) -> None:
        self.bears_secrets = bears_secrets

    def read(self, node: Node, found: Findings) -> Setting:
        match node:
            case MapNode():
                pairs = ((key, self.read(value, found)) for key, (_, value) in node.entries.items())
                return SettingMap(items=tuple(pairs))
            case ListNode():
                return tuple(self.read(item, found) for item in node.items)
            case Scalar():
                return self._scalar(node, found)

    def _scalar(self, node: Scalar, found: Findings) -> Setting:
        if "${" in node.text:
            if self.bears_secrets:
                return read_secret(node, found)
            help = "secrets fill the url of a source or replica and the settings of a channel"
            found.error("SEC002", "a secret may not stand here", node, help=help)
            return None
        if node.quoted:
            return node.text
        if node.is_null:
            return None
        if node.text in _WORDS:
            return _WORDS[node.text]
        return int(node.text) if _INTEGER.match(node.text) else node.text

    def schema(self, defs: Json) -> Json:
        return {}


SECRET_OR_TEXT = SecretOrText()
CHANNEL_SETTINGS = OpenSettings(bears_secrets=True)
ACTION_SETTINGS = OpenSettings(bears_secrets=False)
