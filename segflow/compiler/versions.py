"""Versions as texts that sort as they do: each number filled up with zeros to the same width.

Made in two ways that must agree: here, and by each engine with the expressions below.
"""

import re

from segflow.compiler.values import DIGITS, Version

VERSION = rf"0*[0-9]{{1,{DIGITS}}}(\.0*[0-9]{{1,{DIGITS}}})*"
"""What the whole text must be: digits between dots."""

ZEROS_AT_END = r"(\.0+)+$"
"""What is left out first; the first number stays."""

PADDING = (("([0-9]+)", "0" * DIGITS + r"\1"), (rf"[0-9]*([0-9]{{{DIGITS}}})", r"\1"))
"""What is then replaced wherever it occurs, one after the other."""


def sorted_text(version: Version) -> str:
    """The text that an engine makes of the version."""
    return ".".join(str(number).zfill(DIGITS) for number in version.numbers or (0,))


def written_version(text: str) -> str:
    """The version as people write it, of the text that an engine made of it."""
    return re.sub(r"(^|\.)0+([0-9])", r"\1\2", text)
