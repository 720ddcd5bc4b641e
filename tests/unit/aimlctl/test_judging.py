"""Judging scenarios."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from support.demo_records import demo_record

from aimlctl.judging import Judgement, Verdict, judge, junit_xml
from aimlctl.record import Counts, DemoRecord
from ran_sim.scenario_files import Expectation
from ran_sim.scenarios import TriggerKind

GOOD = Verdict("lost_events", passed=True, expected="at most 0", seen="0")
BAD = Verdict("decisions_failed", passed=False, expected="at most 0", seen="2 <of> 3")


def failed(record: DemoRecord, expect: Expectation) -> list[str]:
    """Names of what was not as expected."""
    return [verdict.name for verdict in judge(record, expect) if not verdict.passed]


def test_run_as_expected_passes() -> None:
    """A run that meets every expectation fails none of them."""
    expect = Expectation(triggers={TriggerKind.DOPPLER_SINR_DROP: 30}, ratio_to_exhaustive=0.9)
    verdicts = judge(demo_record(), expect)
    assert all(verdict.passed for verdict in verdicts)
    assert [verdict.name for verdict in verdicts] == [
        "triggers.doppler-sinr-drop",
        "lost_events",
        "unanswered_triggers",
        "decisions_failed",
        "after_above_before",
        "ratio_to_exhaustive",
    ]


@pytest.mark.parametrize(
    ("expect", "name"),
    [
        (
            Expectation(triggers={TriggerKind.EAVESDROPPER_DETECTED: 31}),
            "triggers.eavesdropper-detected",
        ),
        (Expectation(ratio_to_exhaustive=0.99), "ratio_to_exhaustive"),
    ],
)
def test_expectation_that_is_missed_fails(expect: Expectation, name: str) -> None:
    """One more than was seen, or a higher ratio, is missed, and only that."""
    assert failed(demo_record(), expect) == [name]


def test_lost_and_failed_are_judged() -> None:
    """A lost event, an unanswered trigger and a failed decision each fail their expectation."""
    record = demo_record()
    record = replace(record, triggers=record.triggers[:-1], counts=Counts(failed=1, unanswered=1))
    missed = failed(record, Expectation())
    assert missed == ["lost_events", "unanswered_triggers", "decisions_failed"]


def test_rate_that_does_not_rise_fails() -> None:
    """Decisions that do not raise the mean rate fail, unless that is not expected."""
    record = demo_record()
    worse = replace(
        record,
        decisions=tuple(replace(d, after_bps_hz=d.before_bps_hz) for d in record.decisions),
    )
    assert failed(worse, Expectation()) == ["after_above_before"]
    assert failed(worse, Expectation(after_above_before=False)) == []


def test_run_without_decisions_misses_the_ratio() -> None:
    """Nothing decided is no ratio, and no rise."""
    silent = replace(demo_record(), decisions=(), triggers=(), exhaustive_bps_hz={})
    silent = replace(silent, counts=Counts())
    missed = failed(silent, Expectation(ratio_to_exhaustive=0.5))
    assert missed == ["after_above_before", "ratio_to_exhaustive"]


def test_junit_has_a_suite_for_each_scenario_and_a_case_for_each_expectation() -> None:
    """Counts of tests, failures and errors add up; what was missed is told in the message."""
    played = Judgement("first", "first.yaml", 12.5, (GOOD, BAD))
    broken = Judgement("second", "second.yaml", 1.0, (), failure="the OAM went away")
    root = ET.fromstring(junit_xml([played, broken]))  # noqa: S314 - our own document
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "1", "1")
    first, second = root.findall("testsuite")
    assert [case.get("name") for case in first] == ["played", "lost_events", "decisions_failed"]
    failure = first.find("testcase/failure")
    assert failure is not None
    assert "2 <of> 3" in (failure.get("message") or "")
    error = second.find("testcase/error")
    assert error is not None
    assert "the OAM went away" in (error.get("message") or "")


def test_judgement_passes_only_if_played_and_as_expected() -> None:
    """A missed expectation or a run that was not played to its end does not pass."""
    assert Judgement("a", "a.yaml", 1.0, (GOOD,)).passed
    assert not Judgement("a", "a.yaml", 1.0, (GOOD, BAD)).passed
    assert not Judgement("a", "a.yaml", 1.0, (), failure="no").passed
