"""The figures of a demo run."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.demo_records import TYPES, demo_record

from aimlctl.figures import (
    demo_document,
    even_sample,
    lost_event_ids,
    percentile,
    shortcomings,
    trigger_log_sha256,
)
from aimlctl.record import Counts


@pytest.mark.parametrize(("percent", "expected"), [(0, 1.0), (50, 2.5), (95, 3.85), (100, 4.0)])
def test_percentile_interpolates(percent: float, expected: float) -> None:
    """A percentile between two values is interpolated linearly, whatever their order."""
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == pytest.approx(expected)


def test_percentile_of_nothing_is_refused() -> None:
    """No values have no percentile."""
    with pytest.raises(ValueError, match="at least one value"):
        percentile([], 50)


@given(
    st.lists(st.text(max_size=3), max_size=200, unique=True), st.integers(min_value=1, max_value=60)
)
def test_even_sample_is_bounded_and_in_order(items: list[str], size: int) -> None:
    """A sample has at most the size, keeps the order, and reaches from the first to the last."""
    sample = even_sample(items, size)
    assert len(sample) == min(size, len(items))
    assert sample == [item for item in items if item in set(sample)]
    if len(sample) > 1:
        assert (sample[0], sample[-1]) == (items[0], items[-1])


def test_document_holds_what_programs_ask_for() -> None:
    """The document has every promised key, with the promised forms."""
    document = demo_document(demo_record())
    json.dumps(document)
    assert document["lifecycle"][:3] == ["trained", "published", "tested"]
    assert document["triggers"] == dict.fromkeys(TYPES, 30)
    assert document["notifications"] == 90
    assert document["decisions"]["made"] == 90
    assert document["decisions"]["applied"] == 90
    assert document["decisions"]["failed"] == 0
    assert document["decisions"]["by_version"] == {"1": 70, "2": 20}
    assert set(document["latency_ms"]["trigger_to_applied"]) == {"p50", "p95", "p99"}
    assert set(document["latency_ms"]["inference"]) == {"p50", "p95", "p99"}
    assert len(document["latency_ms"]["hops"]) == 5
    assert document["lost_events"] == 0
    assert document["processes"]["oam"] == {"pid": 4105, "address": "127.0.0.1:21005"}


def test_ratio_compares_the_same_decisions() -> None:
    """The ratio to the bound is taken over the searched decisions alone, on both sides."""
    record = demo_record()
    best = record.decisions[0]
    only_first = replace(record, exhaustive_bps_hz={best.decision_id: 2 * best.after_bps_hz})
    rates = demo_document(only_first)["secrecy_rate_bps_hz"]
    assert rates["exhaustive_sample_count"] == 1
    assert rates["after_mean_of_sample"] == pytest.approx(best.after_bps_hz, abs=1e-3)
    assert rates["after_to_exhaustive_ratio"] == pytest.approx(0.5)
    assert rates["after_mean"] != rates["after_mean_of_sample"]


def test_trigger_without_an_applied_decision_is_lost() -> None:
    """A trigger on the topic that no decision names counts as lost."""
    record = demo_record()
    fewer = replace(record, decisions=record.decisions[:-2])
    assert lost_event_ids(fewer) == {"run/88", "run/89"}
    assert demo_document(fewer)["lost_events"] == 2


def test_trigger_that_never_reached_the_topic_is_lost() -> None:
    """An event that was published and cannot be read back counts as lost."""
    record = demo_record()
    fewer = replace(record, triggers=record.triggers[:-1])
    causes = demo_document(fewer)["lost_events_by_cause"]
    assert causes == {"without_applied_decision": 0, "not_on_topic": 1, "unanswered_in_time": 0}


def test_unanswered_trigger_is_lost() -> None:
    """A trigger whose answer came too late counts as lost."""
    record = replace(demo_record(), counts=Counts(unanswered=1))
    assert demo_document(record)["lost_events"] == 1


def test_decision_read_twice_answers_once() -> None:
    """Lost events are counted by identity: a trigger that stands twice on the topic is one."""
    record = demo_record()
    twice = replace(record, triggers=(*record.triggers, record.triggers[0]))
    assert demo_document(twice)["lost_events"] == 0


def test_trigger_log_has_one_digest_whatever_the_order_of_reading() -> None:
    """Partitions may be read in any order; another byte in one trigger makes another digest."""
    triggers = demo_record().triggers
    digest = trigger_log_sha256(triggers)
    assert trigger_log_sha256(reversed(triggers)) == digest
    changed = (replace(triggers[0], content_sha256="f" * 64), *triggers[1:])
    assert trigger_log_sha256(changed) != digest


def test_run_without_a_decision_has_a_document() -> None:
    """A run in which nothing was decided is told with nulls, not with an error."""
    record = replace(demo_record(), decisions=(), exhaustive_bps_hz={}, hops_ms={}, triggers=())
    document = demo_document(record)
    assert document["secrecy_rate_bps_hz"]["after_mean"] is None
    assert document["latency_ms"]["inference"] == {}


def test_full_success_has_no_shortcomings() -> None:
    """A run that did everything it promises falls short of nothing."""
    assert shortcomings(demo_document(demo_record())) == []


def test_every_broken_promise_is_named() -> None:
    """A missing step, a silent trigger, a lost event and rates that do not rise are each named."""
    record = demo_record()
    worse = replace(
        record,
        steps=record.steps[:-1],
        triggers=tuple(t for t in record.triggers if t.trigger_type != TYPES[0]),
        decisions=tuple(replace(d, after_bps_hz=1.0) for d in record.decisions),
        counts=Counts(failed=2, unanswered=1),
    )
    sentences = "; ".join(shortcomings(demo_document(worse)))
    for word in ("rolled_back", TYPES[0], "1 events were lost", "2 decisions failed", "not above"):
        assert word in sentences
    assert "less than 0.85" in sentences
