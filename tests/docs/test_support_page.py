"""The table of forms and engines."""

from tests.docs import support_page


def test_the_page_is_as_engines_are_now():
    """`python -m tests.docs.write` brings it up to date."""
    assert support_page.PAGE.read_text(encoding="utf-8") == support_page.render()


def test_every_form_of_the_language_has_a_row():
    """Each class of the closed union of predicates is shown by some example."""
    assert support_page.unlisted() == set()
