"""Codes to give away, made from a pattern."""

from collections.abc import Callable

from segflow.model.channel import CODE_ALPHABET

Draw = Callable[[int], bytes]
"""Gives so many random bytes."""


def make_code(pattern: str, draw: Draw) -> str:
    """A code: the pattern with a character in place of each *, every one as likely as any other."""
    drawn = iter(draw(pattern.count("*")))
    # 256 is a multiple of the alphabet's length, so that the remainder favours no character.
    return "".join(
        CODE_ALPHABET[next(drawn) % len(CODE_ALPHABET)] if character == "*" else character
        for character in pattern
    )
