"""The report and its pictures."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.demo_records import demo_record

from aimlctl.record import DemoRecord, Tick
from aimlctl.report.charts import (
    latency_chart,
    lifecycle_chart,
    pass_chart,
    rain_spells,
    secrecy_chart,
)
from aimlctl.report.page import report_html, write_report
from aimlctl.report.svg import Scale, format_tick, histogram, padded

CHARTS = [lifecycle_chart, secrecy_chart, pass_chart, latency_chart]


def empty_record() -> DemoRecord:
    """A run that was stopped before anything happened."""
    return replace(
        demo_record(),
        steps=(),
        adaptations=(),
        stretches=(),
        switches=(),
        triggers=(),
        decisions=(),
        ticks=(),
        exhaustive_bps_hz={},
        hops_ms={},
    )


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("record", [demo_record(), demo_record(decision_count=1), empty_record()])
def test_chart_is_wellformed(chart: object, record: DemoRecord) -> None:
    """Each picture is well-formed SVG, also of a run with one decision or with nothing."""
    assert callable(chart)
    assert ET.fromstring(chart(record)).tag == "svg"  # noqa: S314 - our own drawing


def test_chart_shows_every_decision() -> None:
    """The secrecy picture has a dot before and a dot after each decision."""
    chart = secrecy_chart(demo_record(decision_count=30))
    assert chart.count('class="before"') == 30
    assert chart.count('class="after"') == 30


def test_report_stands_alone(tmp_path: Path) -> None:
    """The report loads nothing from elsewhere: no script, no link, no address but its own text."""
    path = write_report(tmp_path / "report", demo_record())
    html = path.read_text()
    assert path.name == "report.html"
    assert not re.search(r"<script|<link|<img|src=|url\(|https?://", html)
    assert html.count("<svg") == 4


def test_report_says_what_happened() -> None:
    """Headline, lost events, every step and every process are in the report."""
    html = report_html(demo_record())
    assert "from 11.7 to 23.9 b/s/Hz" in html
    assert "<strong>0</strong><span>events lost</span>" in html
    assert "rolled back" in html
    assert "127.0.0.1:21006" in html
    assert "45 of 90 decisions" in html


def test_report_of_a_run_without_decisions_can_be_made() -> None:
    """A run in which nothing was decided has a report that says so."""
    assert "No decision was made" in report_html(empty_record())


def test_text_from_the_functions_is_escaped() -> None:
    """What a function wrote never becomes markup."""
    record = demo_record()
    step = replace(record.steps[0], detail="<b>&")
    html = report_html(replace(record, steps=(step,)))
    assert "&lt;b&gt;&amp;" in html
    assert "<b>" not in html


@given(
    st.floats(min_value=-1e6, max_value=1e6),
    st.floats(min_value=1e-3, max_value=1e6),
    st.integers(min_value=2, max_value=10),
)
def test_ticks_are_round_and_inside(low: float, width: float, count: int) -> None:
    """A scale has a handful of ticks, all within its range (but for rounding)."""
    ticks = Scale(low, low + width, 0, 100).ticks(count)
    assert len(ticks) <= 2 * count + 2
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in ticks)


def test_scale_maps_its_ends_and_cuts_what_is_beyond() -> None:
    """The ends of the range fall on the ends of the axis; values beyond stay there."""
    scale = Scale(0.0, 10.0, 100.0, 0.0)
    assert (scale(0.0), scale(5.0), scale(10.0), scale(99.0)) == (100.0, 50.0, 0.0, 0.0)


@pytest.mark.parametrize("values", [[], [3.0], [0.0, 0.0], [-1.0, 2.0]])
def test_padded_range_is_never_empty(values: list[float]) -> None:
    """Whatever the values, the range has a width."""
    low, high = padded(values)
    assert low < high


@pytest.mark.parametrize(
    ("value", "label"), [(0.0, "0"), (-500.0, "\u2212500"), (12000.0, "12\u2009000"), (0.5, "0.5")]
)
def test_tick_labels_are_plain(value: float, label: str) -> None:
    """Labels have no trailing zeros, a real minus sign and thin thousands."""
    assert format_tick(value) == label


def test_histogram_keeps_every_value() -> None:
    """Values beyond the range are in the last bin; none is dropped."""
    assert histogram([0.0, 0.5, 0.9, 99.0], bins=2, high=1.0) == [1, 3]


def test_rain_spells_open_and_close() -> None:
    """A spell lasts from the first tick with rain to the first without, or to the end."""
    rain_db = [0.0, 5.0, 5.0, 0.0, 3.0]
    ticks = [
        Tick(float(second), 45.0, 0.0, (9.0,), (db,), 20.0) for second, db in enumerate(rain_db)
    ]
    assert rain_spells(ticks) == [(1.0, 3.0), (4.0, 4.0)]
