"""How a run is watched, and how it is summed up."""

import io

import pytest
from rich.console import Console
from support.demo_records import demo_record

from aimlctl.figures import demo_document
from aimlctl.live_view import LiveView
from aimlctl.output import Output
from aimlctl.record import DemoRecord
from aimlctl.summary import show_summary
from aimlctl.views import PlainView, View, short_trigger


def tell(view: View, record: DemoRecord) -> None:
    """Tells the view a whole run."""
    view.act("The satellite rises")
    view.note("[not markup]")
    for step in record.steps:
        view.step(step)
    for decision in record.decisions:
        view.decision(decision)
    view.progress("pass, 300 s simulated", 300.0, 300.0)


def test_plain_view_has_a_line_for_each_thing() -> None:
    """Act, note, each step and each decision have a line of their own, without any control code."""
    stdout = io.StringIO()
    record = demo_record(decision_count=12)
    tell(PlainView(Output(as_json=False, stdout=stdout, stderr=io.StringIO())), record)
    lines = stdout.getvalue().splitlines()
    assert "The satellite rises" in lines
    assert "  [not markup]" in lines
    assert sum("b/s/Hz  v" in line for line in lines) == 12
    assert sum("rolled_back" in line for line in lines) == 1
    assert "\x1b" not in stdout.getvalue()


def test_plain_view_leaves_stdout_to_the_json_document() -> None:
    """With --json every line goes to stderr."""
    stdout, stderr = io.StringIO(), io.StringIO()
    tell(PlainView(Output(as_json=True, stdout=stdout, stderr=stderr)), demo_record())
    assert stdout.getvalue() == ""
    assert "The satellite rises" in stderr.getvalue()


def test_live_view_shows_where_the_story_is() -> None:
    """The screen has the steps reached, the progress, the counts and the latest decisions."""
    console = Console(record=True, force_terminal=True, width=120, file=io.StringIO())
    record = demo_record(decision_count=60)
    with LiveView(console) as view:
        tell(view, record)
    screen = console.export_text()
    assert "✓\u00a0rolled\u00a0back\u00a0v1" in screen
    assert "60 decisions (20 beam-quality-degraded" in screen
    assert "100 %" in screen
    assert f"{record.decisions[-1].sim_offset_s:.0f} s" in screen


@pytest.mark.parametrize("record", [demo_record(), demo_record(decision_count=3)])
def test_summary_fits_one_screen(record: DemoRecord) -> None:
    """The summary tells the story and the figures in at most 24 lines of 100 columns."""
    out = io.StringIO()
    show_summary(Console(file=out, width=100), demo_document(record))
    text = out.getvalue()
    assert len(text.splitlines()) <= 24
    text = " ".join(text.split())
    for words in ("rolled back", "events lost", "b/s/Hz", "p99", "wall time"):
        assert words in text


def test_trigger_types_are_shortened() -> None:
    """A CloudEvents type is shown without its prefix and version; anything else as it is."""
    assert short_trigger("org.aimlnf.ran.doppler-sinr-drop.v1") == "doppler-sinr-drop"
    assert short_trigger("other") == "other"
