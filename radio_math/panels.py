"""Planar arrays: what a panel of Nx x Ny elements hears from a direction, for given weights.

Directions are direction cosines (u, v) along the panel's two axes, the first two components of a
unit vector in the antenna's frame (`radio_math.attitude`). Phases count from the panel's centre, so
that symmetric weights have a real pattern.

Three ways to the same number, from quick to general:

* `steered_amplitude`: phase-only weights, closed form (Dirichlet kernel), no sum over elements;
* `separable_response`: a taper along each axis, one small product an axis;
* `array_response`: any weights, contracted along the rows and then the columns.

Two gains are kept apart. *Array gain* is relative to one element: |sum w a|^2 for weights of unit
norm, at most Nx Ny (36.1 dB for 64 x 64). *Gain over isotropic* adds the gain of the element in
that direction (about 5 dBi ahead, falling with the scan angle: scan loss), 41.1 dBi for 64 x 64.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.signal import windows

from radio_math.arrays import ELEMENT_FLOOR_DBI, Complexes
from radio_math.link import Floats, to_db

HALF_WAVELENGTH = 0.5

_ALMOST_ZERO_RAD = 1e-9


class PanelError(ValueError):
    """A panel or weights that cannot be built; the message says what to change."""


@dataclass(frozen=True)
class Panel:
    """A uniform planar array of columns x rows elements in its x-y plane.

    Attributes:
        columns: elements along x.
        rows: elements along y.
        spacing: between neighbours, in wavelengths. Above 0.5 grating lobes enter when scanned.
    """

    columns: int = 64
    rows: int = 64
    spacing: float = HALF_WAVELENGTH

    def __post_init__(self) -> None:
        if self.columns < 1 or self.rows < 1:
            raise PanelError(f"a panel of {self.columns} x {self.rows} has no elements; use 1 x 1")
        if not self.spacing > 0:
            raise PanelError(f"spacing is {self.spacing:g} wavelengths; it must be above zero")

    @property
    def elements(self) -> int:
        """Number of elements."""
        return self.columns * self.rows

    @property
    def array_gain_db(self) -> float:
        """Greatest gain over one element, 10 log10(Nx Ny) [dB]. No directivity: see `Element`.

        Source: Balanis 2016 6.10.
        Not modelled: losses of feeding lines and phase shifters.
        """
        return float(to_db(self.elements))

    def phase_step_rad(self, direction_cosine: Any) -> Floats:
        """Phase from one element to the next, 2 pi (d / lambda) u [rad], shape of the cosine.

        Source: Balanis 2016 6.10. Not modelled: beam squint over the band.
        """
        return np.asarray(2 * np.pi * self.spacing * np.asarray(direction_cosine))


@dataclass(frozen=True)
class Element:
    """Gain of one element of a panel among its neighbours: peak + 10 q log10(cos theta).

    Attributes:
        peak_dbi: ahead. 10 log10(pi) = 4.97 dBi is the share of one half-wavelength cell of a
            large panel; TR 38.901 has 5 to 8 dBi.
        exponent: q. 1 is the projected area of a large panel (its scan loss), 1.5 usual in
            practice.
        floor_dbi: least gain, and the gain behind the panel.

    Source: Balanis 2016 6.10.
    Not modelled: mutual coupling that depends on the scan angle (blind angles), polarisation.
    """

    peak_dbi: float = 4.97
    exponent: float = 1.0
    floor_dbi: float = ELEMENT_FLOOR_DBI

    def gain_dbi(self, boresight_cosine: Any) -> Floats:
        """Gain over isotropic [dBi], shape of the cosine of the angle from boresight.

        peak + 10 q log10(cos theta), not below the floor. Source: Balanis 2016 6.10.
        Not modelled: azimuth, blind angles of coupled elements.
        """
        cosine = np.maximum(np.asarray(boresight_cosine, dtype=np.float64), 1e-9)
        gain = self.peak_dbi + 10 * self.exponent * np.log10(cosine)
        return np.asarray(np.maximum(gain, self.floor_dbi))

    def scan_loss_db(self, boresight_cosine: Any) -> Floats:
        """What a beam loses when it is steered off boresight [dB], at least 0: -10 q log10(cos).

        Source: Balanis 2016 6.10. Not modelled: as `gain_dbi`.
        """
        return np.asarray(self.peak_dbi - self.gain_dbi(boresight_cosine))


# --- phase-only weights -------------------------------------------------------------------------


def dirichlet(count: int, phase_rad: Any) -> Floats:
    """Normalised pattern sin(N x / 2) / (N sin(x / 2)) of N equal elements, signed, shape of x.

    1 where all add up; counted from the centre, so real.

    Args:
        count: N.
        phase_rad: x, phase from one element to the next after steering [rad].

    Source: Balanis 2016 6.3.
    Not modelled: the elements' own pattern (`Element`), errors of amplitude and phase.
    """
    half = np.asarray(phase_rad, dtype=np.float64) / 2
    # From the nearest grating lobe, where both sines vanish; the lobe's sign is (-1)^(m (N - 1)).
    order = np.rint(half / np.pi)
    rest = half - order * np.pi
    # Half a nanoradian from the lobe the quotient is 1 to the last bit.
    rest += _ALMOST_ZERO_RAD * (np.abs(rest) < _ALMOST_ZERO_RAD)
    kernel = np.sin(count * rest) / (count * np.sin(rest))
    if count % 2:
        return np.asarray(kernel)
    return np.asarray(kernel * (1 - 2 * (order % 2)))


def steered_amplitude(panel: Panel, direction: Floats, steering: Floats) -> Floats:
    """Signed amplitude [..., U, B] of phase-only beams, 1 at their peaks.

    The array gain is Nx Ny times its square.

    Args:
        panel: the array.
        direction: [..., U, >=2] direction cosines of the targets; further components are ignored.
        steering: [..., B, >=2] direction cosines that the beams are steered to.

    Source: Balanis 2016 6.10.
    Not modelled: quantised phase shifters, beam squint over the band, failed elements.
    """
    step = panel.phase_step_rad(
        direction[..., :, None, :2] - steering[..., None, :, :2]
    )  # [..., U, B, 2]
    if panel.columns == panel.rows:
        kernel = dirichlet(panel.columns, step)
        return np.asarray(kernel[..., 0] * kernel[..., 1])
    return dirichlet(panel.columns, step[..., 0]) * dirichlet(panel.rows, step[..., 1])


def half_power_beamwidth_deg(count: int, spacing: float = HALF_WAVELENGTH) -> float:
    """Full width between the half-power points of N equal elements at broadside [deg].

    Source: Balanis 2016 6.3.
    Not modelled: scanning, which widens the beam by 1 / cos(theta); the elements' pattern.

    Raises:
        PanelError: the row is too short to have a half-power point.
    """
    null = 1 / (count * spacing)
    highest = min(null, 1.0)

    def above_half(sine: float) -> float:
        return float(dirichlet(count, 2 * np.pi * spacing * sine)) ** 2 - 0.5

    if count == 1 or above_half(highest) > 0:
        raise PanelError(
            f"{count} elements at {spacing:g} wavelengths never fall to half power; use more"
        )
    return float(2 * np.degrees(np.arcsin(brentq(above_half, 0.0, highest, xtol=1e-14))))


def first_null_deg(count: int, spacing: float = HALF_WAVELENGTH) -> float:
    """Angle from broadside to the first null of N equal elements [deg]: asin(1 / (N d)).

    Source: Balanis 2016 6.3.
    Not modelled: scanning; errors of amplitude and phase, which fill a null.

    Raises:
        PanelError: the row is too short to have a null.
    """
    sine = 1 / (count * spacing)
    if count == 1 or sine > 1:
        raise PanelError(f"{count} elements at {spacing:g} wavelengths have no null; use more")
    return float(np.degrees(np.arcsin(sine)))


def first_side_lobe_db(count: int, spacing: float = HALF_WAVELENGTH) -> float:
    """Highest level of the first side lobe of N equal elements, relative to the peak [dB].

    Source: Balanis 2016 6.3.
    Not modelled: errors of amplitude and phase, which raise it.

    Raises:
        PanelError: the row is too short to have a side lobe.
    """
    null = 1 / (count * spacing)
    if count == 1 or null >= 1:
        raise PanelError(f"{count} elements at {spacing:g} wavelengths have no side lobe; use more")
    found = minimize_scalar(
        lambda sine: -(float(dirichlet(count, 2 * np.pi * spacing * sine)) ** 2),
        bounds=(null, min(2 * null, 1.0)),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(to_db(-found.fun))


# --- weights along one axis, unit norm ------------------------------------------------------------


def uniform_weights(count: int) -> Floats:
    """Equal weights [N] of unit norm: the whole array gain, first side lobe at -13.3 dB.

    Source: Balanis 2016 6.3.
    Not modelled: elements that differ.
    """
    return np.full(count, 1 / np.sqrt(count))


def taylor_weights(count: int, side_lobe_db: float = 30.0, nearly_equal: int = 4) -> Floats:
    """Taylor taper [N] of unit norm: the nearest side lobes `side_lobe_db` below the peak.

    Args:
        count: N.
        side_lobe_db: positive.
        nearly_equal: number of side lobes next to the main one that keep this level.

    Source: Taylor 1955.
    Not modelled: attenuators with steps; the transmit power that a taper leaves unused.
    """
    return _normalised(windows.taylor(count, nbar=nearly_equal, sll=side_lobe_db))


def flat_top_weights(count: int, half_width_rad: Any) -> Floats:
    """Amplitude taper [..., N] of unit norm with a flat beam over |x| <= half width.

    The Fourier series of a rectangular beam, sin(h n) / (pi n) under a Hamming window, which takes
    the ripple away; real, so the pattern keeps a sign. For receiving, where a taper after the
    amplifiers costs no power. A half width well below pi / N leaves the plain windowed beam.

    Args:
        count: N.
        half_width_rad: [...] of the beam in phase from element to element [rad].

    Source: Balanis 2016 7.4.
    Not modelled: attenuators with steps, a beam that is not symmetric.
    """
    order = np.arange(count) - (count - 1) / 2
    half = np.asarray(half_width_rad, dtype=np.float64)[..., None]
    return _normalised(np.sinc(half * order / np.pi) * np.hamming(count))


def quadratic_phase_weights(count: int, half_width_rad: Any) -> Complexes:
    """Phase-spoiled weights [..., N] of unit norm with a beam over about |x| <= half width.

    Phase h n^2 / N from the centre: each part of the panel looks a little elsewhere. All elements
    at full power, for sending; the beam ripples by some decibels.

    Args:
        count: N.
        half_width_rad: [...] of the beam in phase from element to element [rad].

    Source: Kinsey 1997.
    Not modelled: phases optimised against the ripple, phase shifters with steps.
    """
    order = np.arange(count) - (count - 1) / 2
    half = np.asarray(half_width_rad, dtype=np.float64)[..., None]
    return np.asarray(np.exp(1j * half * order**2 / count) / np.sqrt(count))


# --- patterns of weights --------------------------------------------------------------------------


def axis_response(weights: Any, phase_rad: Any) -> Any:
    """Response sum_n w_n exp(j n x) [..., P] of one axis, n counted from the centre.

    Args:
        weights: [..., N], real or complex.
        phase_rad: [P] or [..., P] phase from element to element [rad].

    Source: Balanis 2016 6.3.
    Not modelled: the elements' own pattern, mutual coupling.
    """
    return (_centred_phasors(np.shape(weights)[-1], phase_rad) @ np.asarray(weights)[..., None])[
        ..., 0
    ]


def separable_response(
    panel: Panel, column_weights: Any, row_weights: Any, direction: Floats, steering: Floats
) -> Any:
    """Response [..., U, B] of beams with a symmetric weighting along each axis, steered.

    Its squared magnitude is the array gain where the weights have unit norm; real weights give
    real numbers with a sign.

    Args:
        panel: the array.
        column_weights: [..., B, Nx] or [Nx] along x, the same read from either end, as all weights
            of this module are; others are for `array_response`.
        row_weights: [..., B, Ny] or [Ny] along y, likewise.
        direction: [..., U, >=2] direction cosines of the targets.
        steering: [..., B, >=2] direction cosines that the beams are steered to.

    Source: Balanis 2016 6.10.
    Not modelled: the elements' own pattern, mutual coupling, beam squint over the band.
    """
    target_rad = panel.phase_step_rad(np.moveaxis(direction[..., :2], -1, 0))  # [2, ..., U]
    steering_rad = panel.phase_step_rad(np.moveaxis(steering[..., :2], -1, 0))  # [2, ..., B]
    columns, rows = np.asarray(column_weights), np.asarray(row_weights)
    one_a_beam = columns.shape == rows.shape == (*steering.shape[:-1], columns.shape[-1])
    if one_a_beam and direction.ndim == steering.ndim:
        # Both axes in one go, which is quicker for few targets.
        along_x, along_y = _symmetric_response(np.stack((columns, rows)), target_rad, steering_rad)
    else:
        along_x = _symmetric_response(columns, target_rad[0], steering_rad[0])
        along_y = _symmetric_response(rows, target_rad[1], steering_rad[1])
    return along_x * along_y


def array_response(panel: Panel, weights: Any, direction: Floats) -> Complexes:
    """Response [..., U, B] of beams with any weights, which already hold the steering.

    Contracted along x, then along y: Nx Ny + Ny products a target and beam but no steering vector
    of Nx Ny elements.

    Args:
        panel: the array.
        weights: [..., B, Nx, Ny].
        direction: [..., U, >=2] direction cosines of the targets.

    Source: Balanis 2016 6.10.
    Not modelled: the elements' own pattern, mutual coupling, beam squint over the band.
    """
    phase_x, phase_y = (panel.phase_step_rad(direction[..., axis]) for axis in (0, 1))
    along_x = _centred_phasors(panel.columns, phase_x)[..., None, :, :]  # [..., 1, U, Nx]
    along_y = _centred_phasors(panel.rows, phase_y)[..., None, :, :]
    rows = along_x @ np.asarray(weights)  # [..., B, U, Ny]
    return np.asarray(np.swapaxes(np.sum(rows * along_y, axis=-1), -1, -2))


# --- a terminal's panel ---------------------------------------------------------------------------


def pointed_gain_dbi(panel: Panel, element: Element, target: Floats, pointing: Floats) -> Floats:
    """Gain over isotropic [...] [dBi] towards a target while the beam is steered to `pointing`.

    Array gain of the steered beam plus the element's gain towards the target; equal directions
    give the gain after scan loss, different ones include the pointing loss.

    Args:
        panel: the terminal's array, 16 x 16 for the reference ESIM.
        element: its elements.
        target: [..., 3] unit vectors in the panel's frame.
        pointing: [..., 3] unit vectors in the panel's frame.

    Source: Balanis 2016 6.10.
    Not modelled: polarisation, a radome, the vehicle's roof.
    """
    amplitude = steered_amplitude(panel, target[..., None, :], pointing[..., None, :])[..., 0, 0]
    with_floor = np.maximum(amplitude**2, 1e-12)  # exact nulls stay finite
    return np.asarray(panel.array_gain_db + to_db(with_floor) + element.gain_dbi(target[..., 2]))


def mispointed(direction: Floats, error_deg: Floats) -> Floats:
    """Unit vectors [..., 3] turned by a pointing error.

    Args:
        direction: [..., 3] unit vectors in the antenna's frame.
        error_deg: [..., 2] angles [deg] along the two directions across the line of sight.

    Source: Wertz 1978 2.2.
    Not modelled: errors of more than some degrees, for which the two angles do not add plainly.
    """
    # Any two directions across the sight will do; the axis taken is the one least along it.
    aside = np.eye(3)[np.argmin(np.abs(direction), axis=-1)]
    first = np.cross(aside, direction)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    second = np.cross(direction, first)
    error = np.tan(np.radians(error_deg))
    moved = direction + error[..., :1] * first + error[..., 1:] * second
    return np.asarray(moved / np.linalg.norm(moved, axis=-1, keepdims=True))


def _symmetric_response(weights: Any, target_rad: Floats, steering_rad: Floats) -> Any:
    """Response [..., U, B] of one axis for phases [..., U] of targets and [..., B] of beams.

    With w_n = w_-n it is sum over n > 0 of 2 w_n cos(n (x - y)), a real product of pairs
    (cos n x, sin n x) and 2 w_n (cos n y, sin n y): half the elements, a quarter of the work.
    """
    weighting = np.asarray(weights)
    count = weighting.shape[-1]
    outer = weighting[..., count // 2 :]
    first = (count - 1) / 2 - (outer.shape[-1] - 1)  # 0 or 1/2
    twice = outer * np.where(np.arange(outer.shape[-1]) + first > 0, 2.0, 1.0)
    received = _phasors(outer.shape[-1], target_rad, first).view(np.float64)  # [..., U, 2H]
    matched = _phasors(outer.shape[-1], steering_rad, first)  # [..., B, H]

    def response(part: Floats) -> Floats:
        pairs = (part * matched).view(np.float64)
        return np.asarray(received @ np.swapaxes(pairs, -1, -2))

    if np.iscomplexobj(twice):
        return response(twice.real) + 1j * response(twice.imag)
    return response(twice)


def _centred_phasors(count: int, phase_rad: Any) -> Complexes:
    """exp(j n x) of N elements counted from the centre, [..., N]."""
    return _phasors(count, phase_rad, -(count - 1) / 2)


def _phasors(count: int, phase_rad: Any, first: float) -> Complexes:
    """exp(j (first + k) x) for k = 0 to N - 1, [..., N]."""
    phase = np.asarray(phase_rad, dtype=np.float64)
    made = np.empty((*phase.shape, count), dtype=np.complex128)
    made[..., 0] = np.exp(1j * first * phase)
    # Two exponentials make all N: what is there, turned on by as many steps, is the next part.
    step = np.exp(1j * phase)[..., None]
    filled = 1
    while filled < count:
        more = min(filled, count - filled)
        np.multiply(made[..., :more], step, out=made[..., filled : filled + more])
        step = step * step
        filled += more
    return made


def _normalised(weights: Any) -> Floats:
    values = np.asarray(weights, dtype=np.float64)
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True))
