"""Templates of messages: the part of Jinja2 that is allowed, and their text for one user."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.campaign.message import (
    LONGEST,
    Rendered,
    Unrendered,
    check_template,
    names_used,
    prepare,
    render,
)

FACTS = {
    "user": {"name": "Ann", "age": 30, "tags": ["a", "b"], "city": None, "items": 3},
    "offer": {"name": "five_off", "code": "FIVE-1", "value": Decimal("5.00"), "expires_at": None},
    "run": {"id": "r1", "rule": "winback", "scheduled": "1997-03-01T09:00:00Z", "variant": "a"},
}


def text_of(template, facts=FACTS, *, html=False):
    answer = render(prepare(template, html=html), facts)
    assert isinstance(answer, Rendered), answer
    return answer.body


def reason_of(template, facts=FACTS):
    answer = render(prepare(template), facts)
    assert isinstance(answer, Unrendered), answer
    return answer.reason


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hi {{ user.name }}, take {{ offer.code }}\n", "Hi Ann, take FIVE-1\n"),
        ("{% if user.age >= 18 and user.name %}yes{% else %}no{% endif %}", "yes"),
        ("{{ user.city | default('your city') }}", "your city"),
        ("{{ user.city or 'your city' }}", "your city"),
        ("{{ 'none' if user.city is none else user.city }}", "none"),
        ("{% for t in user.tags %}{{ loop.index }}{{ t }} {% endfor %}", "1a 2b "),
        ("{{ user.tags | join(', ') }}", "a, b"),
        ("{{ (offer.value * 3) | round(1) }}", "15.0"),
        ("{{ user.items }}", "3"),
        ('{"city": {{ user.city | tojson }}, "v": {{ offer.value | tojson }}}',
         '{"city": null, "v": "5.00"}'),
        ("{% raw %}{{ user.name }}{% endraw %}{# no #}", "{{ user.name }}"),
    ],
)  # fmt: skip
def test_what_messages_say(template, text):
    """Names are filled in, a missing value can be replaced, and a field never is a method."""
    assert check_template(template) == ()
    assert text_of(template) == text


def test_html_is_escaped_and_text_is_not():
    """What is filled in can't become markup in HTML; plain text stays as it is."""
    facts = {"user": {"name": "<b>&"}}
    assert text_of("<p>{{ user.name }}</p>", facts) == "<p><b>&</p>"
    assert text_of("<p>{{ user.name }}</p>", facts, html=True) == "<p>&lt;b&gt;&amp;</p>"


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("a\n{{ user.name", 2, "unexpected end of template, expected `}}`"),
        ("{{ user name }}", 1, "expected token `}}`"),
        ("{% if user.name", 1, "expected `%}`"),
        ("a\n{% if user.name %}", 2, "Unexpected end of template"),
        ("a\nb {{ customer.name }}", 2, "`customer` is not known"),
        ("{{ user }}", 1, "`user` needs a name after it"),
        ("{{ user['name'] }}", 1, "(getitem)"),
        ("{{ offer.price }}", 1, "`offer.price` is not known"),
        ("{{ user.name.upper() }}", 1, "(call)"),
        ("{{ user.name.__class__ }}", 1, "(getattr)"),
        ("{{ user.name | random }}", 1, "the filter `random` is not known"),
        ("{{ user.name is defined }}", 1, "the test `defined` is not known"),
        ("{{ range(3) }}", 1, "(call)"),
        ("{{ 9 ** 9 ** 9 }}", 1, "(pow)"),
        ("{{ user.name ~ user.name }}", 1, "(concat)"),
        ("{% set x = 1 %}", 1, "(assign)"),
        ("{% include 'x' %}", 1, "(include)"),
        ("{% macro m() %}{% endmacro %}", 1, "(macro)"),
        ("{% for a in user.b %}\n{% for c in user.b %}{% endfor %}{% endfor %}", 2, "in a loop"),
        ("{% for user in user.tags %}{% endfor %}", 1, "one name of its own"),
        ("{% for a in user.tags %}{{ a.b }}{% endfor %}", 1, "`a.b` is not known"),
        ("{% for a in user.tags %}{{ loop.changed }}{% endfor %}", 1, "`loop.changed`"),
        ("{% for a in user.tags %}{% endfor %}{{ a }}", 1, "`a` is not known"),
        ("{% if 1 %}" * 150 + "{% endif %}" * 150, 1, "nested too deeply"),
        ("{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}", 1, "nested too deeply"),
        ("{{ " + "9" * 5_000 + " }}", 1, "a number is too long"),
        ("x" * (LONGEST + 1), 1, "longer than"),
    ],
)  # fmt: skip
def test_what_messages_can_not_say(template, line, message):
    """Whatever could run without end, grow, hide what it uses or depend on chance is a finding."""
    found = check_template(template)
    assert [finding.line for finding in found[:1]] == [line]
    assert message.lower() in found[0].message.lower()
    with pytest.raises(ValueError, match=f"^line {line}: "):
        prepare(template)


def test_all_findings_come_at_once():
    """One reading finds every wrong line."""
    found = check_template("{{ x }}\n{{ user.a }}\n{{ y }}{{ run.b }}")
    assert [finding.line for finding in found] == [1, 3, 3]


def test_the_names_that_a_template_uses():
    """Each with its line, also under conditions, in loops and in filters' arguments."""
    template = "{{ user.a }}\n{% if run.rule == offer.name %}{% for t in user.b %}{{ t }}\n"
    template += "{{ user.c | default(user.d) }}{% else %}{{ user.e }}{% endfor %}{% endif %}"
    used = [(use.scope, use.name, use.line) for use in names_used(template)]
    assert sorted(used) == [
        ("offer", "name", 2),
        ("run", "rule", 2),
        ("user", "a", 1),
        ("user", "b", 2),
        ("user", "c", 3),
        ("user", "d", 3),
        ("user", "e", 3),
    ]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("Hi\n{{ user.name }}{{ user.city }}", "line 2: a value is missing (user.city)"),
        ("{{ user.city | upper }}", "line 1: a value is missing (user.city)"),
        ("{{ user.nickname }}", "line 1: a value is missing (user.nickname)"),
        ("{{ user.city > 3 }}", "line 1: a value has the wrong type, or is missing"),
        ("{{ user.name * 1000000000 }}", "line 1: a value has the wrong type, or is missing"),
        ("{{ '%1000000000d' % user.age }}", "line 1: a value has the wrong type, or is missing"),
        ("{{ 1 / (user.age - 30) }}", "line 1: the template fails with ZeroDivisionError"),
        ("{{ user.name | join('x') }}", "line 1: a value has the wrong type, or is missing"),
        ("{{ user.age | round(1000000000) }}", "line 1: a value has the wrong type, or is missing"),
    ],
)
def test_a_failure_is_one_users_own(template, reason):
    """It is a value with the line and the field's name."""
    assert reason_of(template) == reason


def test_a_reason_shows_no_value():
    """What a user's field holds stays out of logs and ledgers."""
    for template in ("{{ user.name + 1 }}", "{{ user.name / 2 }}", "{{ user.name | round }}"):
        assert "Ann" not in reason_of(template)


def test_a_message_that_grows_is_given_up():
    """A long list does not make a message without end."""
    facts = {"user": {"tags": ["x" * 1000] * 1000}}
    assert reason_of("{% for t in user.tags %}{{ t }}{% endfor %}", facts).startswith("longer than")
    assert "longer than" in reason_of("{{ user.tags | join('-') }}", facts)


PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", "{#", "#}", " user.name ", " offer.code ", " if ", " endif ", " for ",
     " x ", " in ", " endfor ", " | ", "upper", "default", "(", ")", "'", "1", "*", "~", ".", "\n",
     "[", "]", " else ", "text", "-", ",", "None", "tojson", " is ", " not ", "none", " set ", "="]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=30))
def test_any_text_is_judged_and_what_passes_can_be_rendered(text):
    """Checking and rendering never raise, whatever the template is."""
    if not check_template(text):
        assert isinstance(render(prepare(text), FACTS), Rendered | Unrendered)
