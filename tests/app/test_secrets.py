"""Secrets in errors."""

import traceback

import pytest

from segflow.app.secrets import masking
from segflow.errors import SourceClosedError
from segflow.model.settings import SecretRef

URL = SecretRef(name="SHOP_URL")


def test_an_error_that_shows_a_secret_stays_what_it_was():
    """Its class, and what a program reads from it, are the same; only the value is gone, from the
    message, the hint, and what a traceback shows."""
    with (
        pytest.raises(SourceClosedError, match=r"source at \$\{SHOP_URL\}") as caught,
        masking(URL, "sesame"),
    ):
        raise SourceClosedError("source at sesame", hint="see sesame", opens=7)
    assert (caught.value.opens, caught.value.hint) == (7, "see ${SHOP_URL}")
    assert caught.value.message == str(caught.value)
    shown = traceback.format_exception(SourceClosedError, caught.value, None)
    assert "sesame" not in "".join(shown)


def test_an_error_that_shows_none_is_left_alone():
    """It is the very same."""
    error = SourceClosedError("closed", opens=7)
    with pytest.raises(SourceClosedError) as caught, masking(URL, "sesame"):
        raise error
    assert caught.value is error
