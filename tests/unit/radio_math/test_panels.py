"""Planar arrays."""

import numpy as np
import pytest

from radio_math.panels import (
    Element,
    Panel,
    PanelError,
    array_response,
    axis_response,
    dirichlet,
    first_null_deg,
    first_side_lobe_db,
    flat_top_weights,
    half_power_beamwidth_deg,
    mispointed,
    pointed_gain_dbi,
    quadratic_phase_weights,
    separable_response,
    steered_amplitude,
    taylor_weights,
    uniform_weights,
)

SATELLITE = Panel(64, 64)


def directions(count: int, seed: int = 1, reach: float = 0.6) -> np.ndarray:
    """Unit vectors in front of a panel, [count, 3]."""
    cosines = np.random.default_rng(seed).uniform(-reach, reach, (count, 2))
    return np.concatenate((cosines, np.sqrt(1 - np.sum(cosines**2, axis=-1, keepdims=True))), -1)


def centred(count: int) -> np.ndarray:
    """Positions of elements counted from the middle."""
    return np.arange(count) - (count - 1) / 2


def naive_amplitude(panel: Panel, direction: np.ndarray, steering: np.ndarray) -> np.ndarray:
    """Steering vectors element by element: what the closed form has to equal."""
    x, y = centred(panel.columns), centred(panel.rows)

    def vector(cosines: np.ndarray) -> np.ndarray:
        phase = x[:, None] * cosines[0] + y[None, :] * cosines[1]
        return np.exp(2j * np.pi * panel.spacing * phase).ravel()

    return np.array(
        [[np.vdot(vector(s), vector(d)) / panel.elements for s in steering] for d in direction]
    )


@pytest.mark.parametrize("panel", [Panel(64, 64), Panel(5, 16), Panel(8, 3, spacing=0.7)])
def test_closed_form_equals_the_sum_over_elements(panel: Panel) -> None:
    """The Dirichlet kernel is the inner product of steering vectors, sign included."""
    target, beams = directions(10), directions(8, seed=2)
    expected = naive_amplitude(panel, target, beams)
    np.testing.assert_allclose(steered_amplitude(panel, target, beams), expected.real, atol=4e-11)
    np.testing.assert_allclose(expected.imag, 0.0, atol=1e-11)


@pytest.mark.parametrize("count", [1, 2, 5, 64])
def test_kernel_is_one_at_its_peak_and_signed_at_grating_lobes(count: int) -> None:
    """No 0/0; a full turn of phase gives (-1)^(N-1), counted from the centre."""
    turns = np.array([0.0, 1e-12, 2 * np.pi, 4 * np.pi])
    sign = (-1.0) ** (count - 1)
    np.testing.assert_allclose(dirichlet(count, turns), [1.0, 1.0, sign, 1.0], atol=1e-9)


def test_broadside_cut_of_the_satellite_panel() -> None:
    """Array gain 36.124 dB, beamwidth 1.5864, null at 1.7908 degrees, side lobe -13.254 dB."""
    assert SATELLITE.array_gain_db == pytest.approx(36.124, abs=1e-3)
    assert half_power_beamwidth_deg(64) == pytest.approx(1.5864, abs=1e-4)
    assert first_null_deg(64) == pytest.approx(1.7908, abs=1e-4)
    assert first_side_lobe_db(64) == pytest.approx(-13.254, abs=1e-3)


@pytest.mark.pitfall(21)
def test_array_gain_is_not_directivity() -> None:
    """36.1 dB over an element, 41.1 dBi over isotropic, 3 dB less when scanned to 60 degrees."""
    ahead = np.array([0.0, 0.0, 1.0])
    aside = np.array([np.sin(np.radians(60)), 0.0, 0.5])
    assert SATELLITE.array_gain_db == pytest.approx(36.12, abs=0.01)
    assert float(pointed_gain_dbi(SATELLITE, Element(), ahead, ahead)) == pytest.approx(
        41.09, abs=0.01
    )
    assert float(pointed_gain_dbi(SATELLITE, Element(), aside, aside)) == pytest.approx(
        41.09 - 3.01, abs=0.01
    )


@pytest.mark.pitfall(21)
@pytest.mark.parametrize("scan_deg", [0.0, 30.0])
def test_gain_over_isotropic_radiates_what_it_is_fed(scan_deg: float) -> None:
    """Over the half space the gain averages to 1: element and array gain belong together."""
    panel, element = Panel(16, 16), Element(peak_dbi=10 * np.log10(np.pi), floor_dbi=-300.0)
    axis = (np.arange(800) + 0.5) / 400 - 1
    u, v = np.meshgrid(axis, axis)
    seen = u**2 + v**2 < 1
    cosine = np.sqrt(1 - u[seen] ** 2 - v[seen] ** 2)
    target = np.stack((u[seen], v[seen], cosine), axis=-1)
    pointing = np.array([np.sin(np.radians(scan_deg)), 0.0, np.cos(np.radians(scan_deg))])
    gain = 10 ** (pointed_gain_dbi(panel, element, target, pointing) / 10)
    solid_angle = (axis[1] - axis[0]) ** 2 / cosine
    assert np.sum(gain * solid_angle) / (4 * np.pi) == pytest.approx(1.0, abs=0.03)


def test_element_keeps_its_floor_behind_the_panel() -> None:
    """At and beyond the edge the gain is the floor, never minus infinity."""
    np.testing.assert_array_equal(Element().gain_dbi([0.0, -0.5, -1.0]), -10.0)
    assert float(Element().scan_loss_db(1.0)) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (uniform_weights(64), uniform_weights(64)),
        (taylor_weights(64), flat_top_weights(64, 0.7)),
        (quadratic_phase_weights(64, 0.7), taylor_weights(9)),
        (uniform_weights(5), uniform_weights(1)),
    ],
)
def test_separable_weights_give_what_any_weights_give(
    columns: np.ndarray, rows: np.ndarray
) -> None:
    """Two small real products equal the contraction of the whole weight matrix."""
    panel = Panel(len(columns), len(rows))
    target, beams = directions(10), directions(8, seed=2)
    steered = [
        weights * np.exp(-1j * np.pi * beams[:, axis, None] * centred(len(weights)))
        for axis, weights in enumerate((columns, rows))
    ]
    full = steered[0][:, :, None] * steered[1][:, None, :]  # [B, Nx, Ny]
    np.testing.assert_allclose(
        separable_response(panel, columns, rows, target, beams),
        array_response(panel, full, target),
        atol=1e-9,
    )


@pytest.mark.parametrize(
    "weights",
    [uniform_weights(9), taylor_weights(64), flat_top_weights(64, 0.7)],
)
def test_weights_read_the_same_from_either_end(weights: np.ndarray) -> None:
    """What the separable response relies on; and their norm is one."""
    np.testing.assert_allclose(weights, weights[::-1], rtol=1e-12)
    assert np.linalg.norm(weights) == pytest.approx(1.0)


def test_uniform_separable_weights_are_the_phase_only_beam() -> None:
    """Its power is the array gain times the squared Dirichlet amplitude."""
    target, beams = directions(10), directions(8, seed=2)
    weights = uniform_weights(64)
    response = separable_response(SATELLITE, weights, weights, target, beams)
    np.testing.assert_allclose(
        response, 64 * steered_amplitude(SATELLITE, target, beams), atol=1e-9
    )


def test_taper_lowers_side_lobes_and_costs_gain() -> None:
    """Taylor 30 dB: side lobes at -30 dB or less, under 1 dB of array gain lost."""
    phase = np.linspace(0, np.pi, 8001)
    power_db = 20 * np.log10(np.abs(axis_response(taylor_weights(64), phase)) + 1e-12)
    beyond = phase > 2 * np.pi / 64 * 2
    assert power_db[0] == pytest.approx(10 * np.log10(64), abs=1.0)
    assert power_db[0] < 10 * np.log10(64)
    assert (power_db - power_db[0])[beyond].max() < -29.5


@pytest.mark.pitfall(22)
def test_one_plain_beam_covers_seventeen_kilometres_not_three_hundred() -> None:
    """1.59 degrees from 600 km is 16.6 km; 300 km take 28 degrees, as of 4 elements a side."""
    plain_km = 2 * 600 * np.tan(np.radians(half_power_beamwidth_deg(64) / 2))
    assert plain_km == pytest.approx(16.6, abs=0.05)
    needed_deg = 2 * np.degrees(np.arctan(150 / 600))
    assert needed_deg == pytest.approx(28.07, abs=0.01)
    assert half_power_beamwidth_deg(4) == pytest.approx(needed_deg, rel=0.1)


@pytest.mark.pitfall(22)
@pytest.mark.parametrize("weights", [flat_top_weights, quadratic_phase_weights])
def test_widened_weights_fill_the_wide_beam(weights: object) -> None:
    """Over +-14 degrees they keep within 4 dB of what one axis can have, and fall off outside."""
    half_width = np.pi * np.sin(np.radians(14.04))
    phase = np.linspace(0, np.pi, 4001)
    response = axis_response(weights(64, half_width), phase)  # type: ignore[operator]
    power_db = 20 * np.log10(np.abs(response) + 1e-12)
    possible_db = 10 * np.log10(np.pi / half_width)  # all the power within the beam
    inside, outside = phase < 0.85 * half_width, phase > 1.3 * half_width
    assert power_db[inside].min() > possible_db - 4
    assert power_db[inside].max() < possible_db + 3
    assert power_db[outside].max() < possible_db - 10


@pytest.mark.parametrize("weights", [flat_top_weights, quadratic_phase_weights])
def test_widened_weights_take_one_width_a_beam(weights: object) -> None:
    """Half widths [...] give weights [..., N], each of unit norm."""
    made = weights(16, np.array([[0.1, 0.2, 0.3]]))  # type: ignore[operator]
    assert made.shape == (1, 3, 16)
    np.testing.assert_allclose(np.linalg.norm(made, axis=-1), 1.0)


def test_pointing_error_costs_what_the_pattern_says() -> None:
    """A 16 x 16 terminal off by half its beamwidth loses 3 dB; without error nothing."""
    terminal, ahead = Panel(16, 16), np.array([0.0, 0.0, 1.0])
    half = half_power_beamwidth_deg(16) / 2
    off = mispointed(ahead, np.array([half, 0.0]))
    on_target = float(pointed_gain_dbi(terminal, Element(), ahead, ahead))
    assert on_target == pytest.approx(24.08 + 4.97, abs=0.01)
    missed = float(pointed_gain_dbi(terminal, Element(), ahead, off))
    assert on_target - missed == pytest.approx(3.01, abs=0.01)


def test_mispointed_directions_are_off_by_the_error() -> None:
    """Unit vectors at the root sum square of the two angles, in any direction of the sky."""
    before = directions(50, reach=0.7)
    after = mispointed(before, np.full((50, 2), 0.3))
    angle = np.degrees(
        np.arctan2(np.linalg.norm(np.cross(before, after), axis=-1), np.sum(before * after, -1))
    )
    np.testing.assert_allclose(angle, 0.3 * np.sqrt(2), rtol=1e-4)
    np.testing.assert_allclose(mispointed(before, np.zeros((50, 2))), before, rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: Panel(0, 64), "elements"),
        (lambda: Panel(8, 8, spacing=0.0), "spacing"),
        (lambda: half_power_beamwidth_deg(1), "half power"),
        (lambda: first_null_deg(1), "null"),
        (lambda: first_side_lobe_db(2), "side lobe"),
    ],
)
def test_impossible_panels_are_refused(call: object, named: str) -> None:
    """One sentence that names what to change."""
    with pytest.raises(PanelError, match=named):
        call()  # type: ignore[operator]
