"""The picture of the gate's funnel: well-formed, in proportion, and adding up to the audience."""

from collections.abc import Sequence
from xml.etree import ElementTree

import pytest

from segflow.cli.funnel import funnel_svg
from segflow.model.instant import Instant, parse_instant
from segflow.model.run import BucketRecord, Run, RunReport, RunStatus

SVG = "{http://www.w3.org/2000/svg}"
NEW_YEAR = parse_instant("2026-01-01T09:00:00Z")
DAY = 86_400_000
BAR = 390
"""Pixels of the bar of a whole audience."""
DARK, HELD_OUT, BRIGHT = "#0072b2", "#e69f00", "#b4c1cc"


def bucket(name: str, count: int, reason: str = "…", arm: str | None = None) -> BucketRecord:
    return BucketRecord(bucket=name, reason=reason, arm=arm, count=count, digest="")


def report(
    *buckets: BucketRecord,
    rule: str = "winback",
    day: int = 0,
    audience: int | None = None,
    live: bool = True,
    status: RunStatus = "done",
) -> RunReport:
    scheduled = Instant(NEW_YEAR + day * DAY)
    run = Run(
        id=f"{rule}{day}",
        rule=rule,
        scheduled=scheduled,
        as_of=scheduled,
        status=status,
        live=live,
        fingerprint="",
        definition="",
        epoch="",
        started_at=scheduled,
        audience=sum(one.count for one in buckets) if audience is None else audience,
    )
    return RunReport(run=run, buckets=buckets)


WHOLE = report(
    bucket("delivered", 1200, arm="a"),
    bucket("delivered", 800, arm="b"),
    bucket("failed", 60),
    bucket("unknown", 40),
    bucket("held_out", 700, "exposed"),
    bucket("held_out", 300, "capped"),
    bucket("outside_population", 100),
    bucket("no_longer_eligible", 200),
    bucket("capped", 3000),
    bucket("over_budget", 1500),
    bucket("out_of_stock", 600),
    bucket("over_max_recipients", 1500),
)
"""A run of 10,000 users with somebody in every bucket, in no order."""


def drawn(*reports: RunReport) -> ElementTree.Element:
    return ElementTree.fromstring(funnel_svg(reports))


def texts(part: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in part.iter(f"{SVG}text")]


def panels(picture: ElementTree.Element) -> list[ElementTree.Element]:
    return picture.findall(f"{SVG}g")


def rows(panel: ElementTree.Element) -> dict[str, tuple[str, ...]]:
    """The numbers of each row of the table by its label: what stands at one height."""
    lines: dict[str, list[str]] = {}
    for text in panel.iter(f"{SVG}text"):
        lines.setdefault(text.attrib["y"], []).append("".join(text.itertext()))
    return {line[0]: tuple(line[1:]) for line in lines.values() if line[1:] and line[0] != "users"}


def bars(panel: ElementTree.Element, height: float = 18) -> list[tuple[float, float, str]]:
    """Every bar from top to bottom as (left end, width, colour)."""
    return [
        (float(bar.attrib["x"]), float(bar.attrib["width"]), bar.attrib["fill"])
        for bar in panel.iter(f"{SVG}rect")
        if float(bar.attrib["height"]) == height
    ]


def test_every_bucket_is_a_row_in_the_order_of_the_gate():
    """Each row has its users, their share of the audience, and how many go on."""
    (panel,) = panels(drawn(WHOLE))
    assert list(rows(panel).items()) == [
        ("audience", ("10,000", "100.0%")),
        ("outside population", ("100", "1.0%", "9,900")),
        ("held out", ("1,000", "10.0%", "8,900")),
        ("no longer eligible", ("200", "2.0%", "8,700")),
        ("capped", ("3,000", "30.0%", "5,700")),
        ("over budget", ("1,500", "15.0%", "4,200")),
        ("out of stock", ("600", "6.0%", "3,600")),
        ("over max recipients", ("1,500", "15.0%", "2,100")),
        ("delivered", ("2,000", "20.0%", "95.2% of sends")),
        ("failed", ("60", "0.6%", "2.9% of sends")),
        ("unknown", ("40", "0.4%", "1.9% of sends")),
    ]


def test_the_users_of_the_rows_add_up_to_the_audience():
    """What is written on the picture is whole: nobody is on it twice, nobody is missing."""
    (panel,) = panels(drawn(WHOLE))
    users = {label: int(row[0].replace(",", "")) for label, row in rows(panel).items()}
    assert users.pop("audience") == sum(users.values()) == 10_000


def test_bars_are_in_proportion():
    """A row's dark part are those who go on, its bright part those who end there, at its end."""
    (panel,) = panels(
        drawn(report(bucket("held_out", 10), bucket("capped", 40), bucket("delivered", 50)))
    )
    left = bars(panel)[0][0]
    assert bars(panel) == [
        (left, BAR, DARK),
        (left, BAR * 0.9, DARK),
        (left + BAR * 0.9, BAR * 0.1, HELD_OUT),
        (left, BAR * 0.5, DARK),
        (left + BAR * 0.5, BAR * 0.4, BRIGHT),
        (left, BAR * 0.5, "#009e73"),
    ]


def test_outcomes_stand_side_by_side():
    """Delivered, failed and unknown divide those who passed the gate."""
    (panel,) = panels(
        drawn(report(bucket("delivered", 50), bucket("failed", 30), bucket("unknown", 20)))
    )
    ends = [left + width for left, width, _ in bars(panel)[1:]]
    starts = [left for left, _, _ in bars(panel)[1:]]
    whole = bars(panel)[0]
    assert [starts[0], *starts[1:]] == pytest.approx([whole[0], *ends[:-1]])
    assert ends[-1] == pytest.approx(whole[0] + whole[1])


def test_few_among_many_can_be_seen():
    """A bar is never thinner than a pixel, and a share never 0.0% where there is somebody."""
    (panel,) = panels(drawn(report(bucket("capped", 10_000_000), bucket("delivered", 1))))
    assert min(width for _, width, _ in bars(panel)) == 1
    assert rows(panel)["delivered"] == ("1", "<0.1%", "100.0% of sends")


def test_empty_buckets_are_left_out():
    """A bucket without users, or that is not told of, has no row."""
    (panel,) = panels(drawn(report(bucket("capped", 0), bucket("delivered", 3))))
    assert list(rows(panel)) == ["audience", "delivered"]


def test_the_held_out_who_would_have_got_it_are_told():
    """Ghosts who passed every step are named below the row of the held-out, without a row."""
    (panel,) = panels(drawn(WHOLE))
    assert "700 of the held-out passed every later step" in texts(panel)
    (none,) = panels(drawn(report(bucket("held_out", 5, "capped"))))
    assert not any("held-out" in text for text in texts(none))


def test_runs_of_a_rule_are_added_up():
    """One panel per rule, with the sum of its runs, in the order the rules come in."""
    picture = drawn(
        report(bucket("delivered", 1), rule="b", day=2),
        report(bucket("capped", 5), rule="a"),
        report(bucket("delivered", 2), bucket("capped", 1), rule="b", day=30),
    )
    first, second = panels(picture)
    assert texts(first)[:2] == [
        "b",
        "2 runs, 2026-01-03 09:00 to 2026-01-31 09:00 UTC · users count once per run",
    ]
    assert rows(first)["delivered"][0] == "3"
    assert rows(first)["capped"][0] == "1"
    assert texts(second)[:2] == ["a", "1 run, 2026-01-01 09:00 UTC"]


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        ([report(live=False), report(live=False)], "recorded, nobody was reached"),
        ([report(live=True), report(live=False)], "1 live"),
        ([report(status="skipped"), report()], "1 skipped"),
        ([report(status="failed"), report()], "1 failed"),
    ],
)
def test_what_has_to_be_known_of_the_runs_is_said(reports, told):
    """Recorded, skipped and failed runs are named, so that no number is taken for another."""
    (panel,) = panels(drawn(*reports))
    assert told in texts(panel)[1].split(" · ")


def test_a_run_that_is_not_over_shows_who_is_still_to_send_to():
    """Who passed the gate and has no answer yet stands beside those who have one."""
    (panel,) = panels(drawn(report(bucket("to_send", 3), bucket("delivered", 1), status="running")))
    assert rows(panel)["to send"] == ("3", "75.0%", "75.0% of sends")
    assert "1 running" in texts(panel)[1]


def test_an_empty_audience_is_a_panel_without_bars():
    """A run that found nobody, or that was skipped, is shown and not divided by."""
    for empty in (report(), report(status="skipped", audience=0)):
        (panel,) = panels(drawn(empty))
        assert bars(panel) == []
        assert "nobody was in the audience" in texts(panel)


def test_no_runs_at_all():
    """Nothing to show is a picture that says so to those who can't see it."""
    assert drawn().findtext(f"{SVG}desc") == "There were no runs."


@pytest.mark.parametrize(
    ("buckets", "audience", "says"),
    [
        ([bucket("delivered", 2)], 3, "2 users in buckets and 3 in its audience"),
        ([bucket("delivered", 4)], 3, "4 users in buckets and 3 in its audience"),
        ([bucket("lost", 3)], 3, "users in lost, which is no bucket"),
    ],
)
def test_numbers_that_do_not_add_up_are_refused(buckets, audience, says):
    """No picture is made of a run that lost users, even where another run makes up for it."""
    other = report(bucket("delivered", 3), audience=3 - audience + sum(b.count for b in buckets))
    reports: Sequence[RunReport] = [report(*buckets, audience=audience), other]
    with pytest.raises(ValueError, match=says):
        funnel_svg(reports)


@pytest.mark.parametrize("name", ["<b>&amp;\"'", "a\x1b[31m\x00b", "\ud800"])
def test_every_name_is_well_formed(name):
    """What has a meaning in XML is escaped, and what it can't hold is replaced."""
    picture = drawn(report(bucket("delivered", 3), rule=name))
    told = picture.findtext(f"{SVG}g/{SVG}title") or ""
    assert told.isprintable()
    assert len(told) == len(name)
    assert texts(panels(picture)[0])[0] == told


@pytest.mark.parametrize("length", [1, 40, 80, 200])
def test_long_names_fit(length):
    """A name gets smaller letters, and at last an ellipsis; the whole of it is in the title."""
    (panel,) = panels(drawn(report(bucket("delivered", 3), rule="w" * length)))
    heading = next(panel.iter(f"{SVG}text"))
    size = float(heading.attrib["font-size"])
    assert len(heading.text or "") * size * 0.62 < 900
    assert 12 <= size <= 20
    assert heading.text == "w" * length or (heading.text or "").endswith("…")
    assert panel.findtext(f"{SVG}title") == "w" * length


@pytest.mark.parametrize("rules", [1, 6])
def test_nothing_overlaps_and_all_is_inside(rules):
    """However many panels, no two texts share a place, and the picture is as high as they need."""
    picture = drawn(*(report(*WHOLE.buckets, rule=f"rule_{number}") for number in range(rules)))
    places = [(text.attrib["x"], text.attrib["y"]) for text in picture.iter(f"{SVG}text")]
    heights = sorted({float(y) for _, y in places})
    assert len(set(places)) == len(places)
    assert min(low - high for high, low in zip(heights, heights[1:], strict=False)) >= 14
    assert picture.attrib["viewBox"] == f"0 0 960 {picture.attrib['height']}"
    assert heights[-1] < float(picture.attrib["height"]) - 16


def test_the_picture_can_be_read_aloud():
    """It has a title, and a description with every number."""
    picture = drawn(WHOLE)
    assert picture.findtext(f"{SVG}title") == "Who got it, and where the others ended"
    assert picture.findtext(f"{SVG}desc") == (
        "winback: audience 10,000, outside population 100, held out 1,000, "
        "no longer eligible 200, capped 3,000, over budget 1,500, out of stock 600, "
        "over max recipients 1,500, delivered 2,000, failed 60, unknown 40."
    )
