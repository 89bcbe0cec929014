"""Settings of channels, judged by the JSON Schema of their kind."""

import pytest

from segflow.channels.settings import KINDS, check_settings
from segflow.model.channel import Channel
from segflow.model.settings import SecretRef, SettingMap, plain

SECRET = SecretRef(name="TOKEN")


def settings(**values):
    return SettingMap(items=tuple(values.items()))


def messages(kind, given):
    found = check_settings(Channel(name="c", kind=kind, settings=given))
    return [(".".join(map(str, finding.path)), finding.message) for finding in found]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("coupon", settings()),
        ("file", settings(path="out/sent.jsonl")),
        ("file", settings(path="a..b")),
        ("webhook", settings(url="https://example.com:8443/hook?to=a@b")),
        ("webhook", settings(url=SECRET, headers=settings(Authorization=SECRET, Team="crm"))),
        ("webhook", settings(url="http://127.0.0.1", timeout="120s")),
        ("email", settings(anything="goes")),
    ],
)
def test_settings_that_are_right(kind, given):
    """Nothing is said, and kinds without an adapter are not judged."""
    assert messages(kind, given) == []


@pytest.mark.parametrize(
    ("kind", "given", "path", "message"),
    [
        ("coupon", settings(url="x"), "url", "the setting `url` is not known"),
        ("file", settings(), "", "the setting `path` is missing"),
        ("file", settings(path="/etc/x"), "path", "`path` has to be a path inside the project"),
        ("file", settings(path="a/../../x"), "path", "`path` has to be a path inside"),
        ("file", settings(path="out/"), "path", "`path` has to be a path inside"),
        ("file", settings(path=SECRET), "path", "`path` has to be a path inside"),
        ("webhook", settings(), "", "the setting `url` is missing"),
        ("webhook", settings(url="ftp://x"), "url", "starts with http:// or https://"),
        ("webhook", settings(url="http://a:b@x/"), "url", "holds no password"),
        ("webhook", settings(url=3), "url", "`url` has to be a url"),
        ("webhook", settings(url=SECRET, timeout="121s"), "timeout", "from 1s to 120s"),
        ("webhook", settings(url=SECRET, timeout=SECRET), "timeout", "from 1s to 120s"),
        ("webhook", settings(url=SECRET, headers="x"), "headers", "has to be a mapping"),
        (
            "webhook",
            settings(url=SECRET, headers=settings(Host="x")),
            "headers.Host",
            "`Host` has to be the name of a header that is yours to set",
        ),
        (
            "webhook",
            settings(url=SECRET, headers=settings(Team="a\nb")),
            "headers.Team",
            "`Team` has to be printable text, or a secret",
        ),
    ],
)
def test_settings_that_are_wrong(kind, given, path, message):
    """The finding leads to the setting and says what it has to be."""
    [(where, said)] = messages(kind, given)
    assert where == path
    assert message in said


def test_all_findings_come_at_once():
    """With the nearest known name for an unknown one."""
    given = settings(urll="https://x", timeout="x")
    found = check_settings(Channel(name="c", kind="webhook", settings=given))
    assert len(found) == 3
    assert [finding.help for finding in found if finding.help] == ["did you mean `url`?"]


def test_plain_settings_have_their_secrets_filled_in():
    """Mappings and lists as JSON has them, and text where a secret stood."""
    given = settings(url=SECRET, headers=settings(A=SECRET, B=("x", SECRET, None, 1, True)))
    assert plain(given, lambda secret: f"<{secret.name}>") == {
        "url": "<TOKEN>",
        "headers": {"A": "<TOKEN>", "B": ["x", "<TOKEN>", None, 1, True]},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_schema(kind):
    """An unknown setting is found for each of them."""
    assert "the setting `bogus` is not known" in dict(messages(kind, settings(bogus=1))).values()
