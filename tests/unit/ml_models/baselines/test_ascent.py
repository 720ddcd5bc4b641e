"""The analytic gradient and the climb along it."""

import numpy as np
import pytest

from ml_models.baselines import mrc_random
from ml_models.baselines.ascent import ascend, prepare, sum_rate_and_gradient
from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import sum_secrecy_rate


@pytest.fixture(scope="module")
def context() -> RadioContext:
    """A few contexts of both geometries and all powers."""
    return draw_scenarios(ScenarioProfile(geometry="mixed"), 6, 11).estimated


def start_for(context: RadioContext, index: float = 8.3) -> Allocation:
    """Random carriers with a candidate axis, equal power, one place on the grid."""
    drawn = mrc_random.decide(context, np.random.default_rng(1))
    place = np.full(drawn.power_w.shape, index)
    return Allocation(drawn.carrier[:, None], drawn.power_w[:, None], place[:, None])


def test_value_is_the_sum_secrecy_rate(context: RadioContext) -> None:
    """The optimiser's value in nats is that of radio_math in bits."""
    start = start_for(context)
    value, _, _ = sum_rate_and_gradient(
        prepare(context), start.carrier, start.power_w, start.beamformer_index
    )
    plain = Allocation(start.carrier[:, 0], start.power_w[:, 0], start.beamformer_index[:, 0])
    np.testing.assert_allclose(value[:, 0] / np.log(2), sum_secrecy_rate(context, plain))


@pytest.mark.parametrize("what", ["power_w", "beamformer_index"])
def test_gradient_is_that_of_finite_differences(context: RadioContext, what: str) -> None:
    """Every derivative agrees with a central difference."""
    prepared, start = prepare(context), start_for(context)
    gradients = dict(
        zip(
            ("power_w", "beamformer_index"),
            sum_rate_and_gradient(prepared, start.carrier, start.power_w, start.beamformer_index)[
                1:
            ],
            strict=True,
        )
    )
    step = 1e-6
    for esim in range(10):
        values = []
        for sign in (1, -1):
            moved = np.array(getattr(start, what))
            moved[..., esim] += sign * step
            point = Allocation(**{**vars(start), what: moved})
            values.append(
                sum_rate_and_gradient(
                    prepared, point.carrier, point.power_w, point.beamformer_index
                )[0]
            )
        difference = (values[0] - values[1]) / (2 * step)
        np.testing.assert_allclose(gradients[what][..., esim], difference, rtol=1e-4, atol=1e-5)


def test_climbing_keeps_budget_and_never_falls(context: RadioContext) -> None:
    """The budget is spent exactly, the grid is not left, the rate is not below the start's."""
    prepared, start = prepare(context), start_for(context)
    before, _, _ = sum_rate_and_gradient(
        prepared, start.carrier, start.power_w, start.beamformer_index
    )
    best, rate = ascend(prepared, start, steps=30)
    np.testing.assert_allclose(best.power_w.sum(axis=-1)[:, 0], context.power_budget_w, rtol=1e-12)
    assert best.beamformer_index.min() >= 0
    assert best.beamformer_index.max() <= 15
    assert (rate >= before / np.log(2) - 1e-9).all()
    assert rate.sum() > 1.05 * before.sum() / np.log(2)
