"""Leakage margins and how they are tuned."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_models.datasets.scenarios import ScenarioProfile, Split, at_power, draw_scenarios
from ml_models.robust.margins import (
    LeakageMargin,
    TunedMargin,
    margins_document,
    mean_excess,
    stored_margin,
    tune,
)
from ml_models.robust.rivals import MARGINED, search_locally
from radio_math.channel import ContextPair
from radio_math.context import (
    GRID_POINTS,
    REPORT_POINTS,
    Allocation,
    ContextError,
    RadioContext,
)
from radio_math.secrecy import sum_secrecy_rate

PAIR = draw_scenarios(ScenarioProfile(), 16, Split.TRAIN.seed(71))


FLAT = (1.0,) * GRID_POINTS


def test_leakage_alone_is_multiplied_by_the_factors_of_power_and_point() -> None:
    """At the tuned powers the factor is that of the table, between them it lies between."""
    level = tuple(float(point) for point in range(1, GRID_POINTS + 1))
    margin = LeakageMargin((0.0, 10.0), (2.0, 8.0), level)
    for power_dbw, factor in ((0.0, 2.0), (5.0, 4.0), (10.0, 8.0), (25.0, 8.0)):
        context = at_power(PAIR.estimated, power_dbw)
        raised = margin.applied(context)
        wanted = factor * np.array(level) * context.leakage_per_w
        np.testing.assert_allclose(raised.leakage_per_w, wanted)
        assert raised.gain_per_w is context.gain_per_w


def test_the_level_is_what_leaks_beyond_the_reports() -> None:
    """Ten times as much where the report's nulls are, no more where the whole horizon is nulled."""
    level = mean_excess(PAIR)
    assert len(level) == GRID_POINTS
    assert level[REPORT_POINTS - 1] > 5
    assert 0.7 < level[-1] < 1.4


def test_tuning_takes_the_factor_of_the_highest_true_rate() -> None:
    """For every power the factor chosen is the best of its curve, and the curve is the truth."""
    told: list[float] = []
    tuned = tune(
        search_locally, PAIR, (0.0, 20.0), (1.0, 3.0, 1000.0), seed=4, on_progress=told.append
    )
    assert told == [0.5, 1.0]
    for factor, curve in zip(tuned.margin.factor, tuned.true_bps_hz, strict=True):
        assert max(curve, key=curve.__getitem__) == factor
    believed = LeakageMargin((0.0,), (1.0,), mean_excess(PAIR)).applied(
        at_power(PAIR.estimated, 20.0)
    )
    decision = search_locally(believed, np.random.default_rng(4))
    expected = np.mean(sum_secrecy_rate(at_power(PAIR.true, 20.0), decision))
    assert tuned.true_bps_hz[1][1.0] == pytest.approx(expected)
    assert 1000.0 not in tuned.margin.factor


def test_the_search_ends_where_the_rate_falls_on_both_sides() -> None:
    """Wherever it starts: the neighbours of the chosen factor were tried and are no better."""
    factors = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    tuned = tune(search_locally, PAIR, (0.0, 25.0), factors, seed=4)
    for factor, curve in zip(tuned.margin.factor, tuned.true_bps_hz, strict=True):
        place = factors.index(factor)
        for beside in factors[max(place - 1, 0) : place + 2]:
            assert curve[beside] <= curve[factor]


def test_the_method_never_sees_the_true_channel() -> None:
    """What it is asked about has the gains of the estimate."""
    seen: list[RadioContext] = []

    def spy(context: RadioContext, rng: np.random.Generator) -> Allocation:
        seen.append(context)
        return search_locally(context, rng)

    reports_only = ContextPair(true=PAIR.true, estimated=PAIR.estimated)
    tune(spy, reports_only, (10.0,), (1.0, 2.0))
    assert len(seen) == 2
    assert all(context.gain_per_w is PAIR.estimated.gain_per_w for context in seen)


def test_every_method_has_a_stored_margin() -> None:
    """The file that ships covers 0 to 25 dBW for all of them."""
    for name in MARGINED:
        margin = stored_margin(name)
        assert margin.power_dbw[0] == 0
        assert margin.power_dbw[-1] == 25
        assert max(margin.level) > 5
    with pytest.raises(ContextError, match="no margin was tuned"):
        stored_margin("oracle")


def test_document_names_its_scenarios() -> None:
    """Seed, geometry and count of the tuning stand beside the margins."""
    one = TunedMargin(LeakageMargin((0.0,), (2.0,), (1.0,)), ({1.0: 3.0, 2.0: 4.0},), 6)
    document = json.loads(margins_document({"x": one}, seed=5, geometry="pass"))
    assert (document["seed"], document["geometry"]) == (5, "pass")
    assert document["methods"]["x"]["samples"] == 6
    assert document["methods"]["x"]["margin"] == {
        "power_dbw": [0.0],
        "factor": [2.0],
        "level": [1.0],
    }


def test_methods_tuned_before_are_kept_beside_new_ones() -> None:
    """Unless they were tuned anew, or on other scenarios."""
    old = TunedMargin(LeakageMargin((0.0,), (2.0,), (1.0,)), ({2.0: 4.0},), 6)
    new = TunedMargin(LeakageMargin((0.0,), (3.0,), (1.0,)), ({3.0: 5.0},), 7)
    before = json.loads(margins_document({"x": old, "y": old}, seed=5, geometry="pass"))
    text = margins_document({"y": new, "z": new}, seed=5, geometry="pass", before=before)
    methods = json.loads(text)["methods"]
    assert {name: one["samples"] for name, one in methods.items()} == {"x": 6, "y": 7, "z": 7}
    with pytest.raises(ContextError, match="another seed or geometry"):
        margins_document({"y": new}, seed=6, geometry="pass", before=before)


@given(st.lists(st.floats(-5, 0), min_size=1, max_size=3))
def test_factors_not_above_zero_are_refused(factors: list[float]) -> None:
    """Leakage is read in decibels."""
    powers = tuple(float(number) for number in range(len(factors)))
    with pytest.raises(ContextError, match="above zero"):
        LeakageMargin(powers, tuple(factors), FLAT)


def test_a_margin_without_a_factor_for_each_power_is_refused() -> None:
    """Two powers need two factors."""
    with pytest.raises(ContextError, match="one factor for each"):
        LeakageMargin((0.0, 5.0), (2.0,), FLAT)
