"""Handover between a satellite and a platform."""

from dataclasses import replace

import numpy as np
import pytest

from radio_math.channel import LinkGeometry
from ran_sim.access_layers import AccessLayer, serving_layers
from ran_sim.handover import HandoverRule, changes
from ran_sim.haps import Platform, StationKeeping, platform_beams, platform_cells, platform_sight
from ran_sim.orbit.geodesy import ecef_position, local_axes
from ran_sim.orbit.look import Terminals, look_at
from ran_sim.spot_beams import Coverage, spot_beams

STATION = Platform("haps-1", latitude_deg=45.0, longitude_deg=10.0)
TICKS, PERIOD_S = 600, 1.0
CARRIER_HZ = 20e9
RULE = HandoverRule(beam_hysteresis_db=3.0, beam_time_to_trigger_s=2.0)
SATELLITE, HAPS = 0, 1


def esims() -> Terminals:
    """One ESIM below the platform and one 500 km away from it, standing, [T, 2, 3]."""
    latitude, longitude = np.array([45.05, 49.5]), np.array([10.0, 10.0])
    position = ecef_position(latitude, longitude)
    axes = local_axes(latitude, longitude)
    shape = (TICKS, 2, 3)
    whole = [np.broadcast_to(part, shape) for part in (position, np.zeros_like(position), *axes)]
    return Terminals(*whole)


def layers() -> list[AccessLayer]:
    """A pass of a satellite over the platform's station, and the platform."""
    terminals = esims()
    offset_s = (np.arange(TICKS) - TICKS / 2) * PERIOD_S
    _, north, _ = local_axes(45.0, 10.0)
    up = ecef_position(45.0, 10.0) / np.linalg.norm(ecef_position(45.0, 10.0))
    # A circle of 600 km altitude through the zenith of the station.
    angle = 7.56e3 / 6971e3 * offset_s[:, None]
    position = 6971e3 * (np.cos(angle) * up + np.sin(angle) * north)
    velocity = 7.56e3 * (np.cos(angle) * north - np.sin(angle) * up)
    look = look_at(position[:, None], velocity[:, None], terminals)
    centres = platform_cells(STATION, 150e3)
    gains = spot_beams(Coverage.TAPERED).gains(position, velocity, terminals.position_m, centres)
    satellite = LinkGeometry(
        azimuth_deg=look.azimuth_deg,
        elevation_deg=look.elevation_deg,
        slant_range_m=look.range_m,
        beam_amplitude=gains.amplitude,
        satellite_gain_db=gains.gain_db,
    )
    keeping = StationKeeping.drawn(STATION, np.random.default_rng(1))
    sight = platform_sight(
        keeping.motion(offset_s),
        terminals,
        platform_cells(STATION, 15e3),
        platform_beams(STATION, 15e3),
    )
    return [
        AccessLayer("satellite", satellite, CARRIER_HZ),
        AccessLayer("haps-1", sight.link, CARRIER_HZ),
    ]


def test_each_esim_is_served_by_the_layer_it_hears_best() -> None:
    """Below the platform that is the platform, thirty times nearer; far away the satellite."""
    chosen = serving_layers(layers(), PERIOD_S, RULE)
    assert (chosen[:, 0] == HAPS).all()
    assert (chosen[TICKS // 2 - 100 : TICKS // 2 + 100, 1] == SATELLITE).all()


def test_a_layer_below_five_degrees_cannot_serve() -> None:
    """The platform is under the far ESIM's horizon, the satellite when it comes up."""
    satellite, haps = layers()
    assert np.isneginf(haps.quality_db()[:, 1]).all()
    assert np.isneginf(satellite.quality_db()[0, 1])
    assert np.isfinite(satellite.quality_db()[TICKS // 2]).all()


def test_an_esim_is_handed_over_when_its_layer_fades_and_back_when_it_returns() -> None:
    """The platform's beams are off for two minutes at the culmination: two handovers, no more."""
    satellite, haps = layers()
    off = slice(TICKS // 2 - 60, TICKS // 2 + 60)
    amplitude = haps.link.beam_amplitude.copy()
    amplitude[off] *= 1e-4
    dimmed = replace(haps, link=replace(haps.link, beam_amplitude=amplitude))
    chosen = serving_layers([satellite, dimmed], PERIOD_S, RULE)[:, 0]
    assert changes(chosen[:, None]).sum() == 2
    assert chosen[off][10] == SATELLITE
    assert chosen[0] == chosen[-1] == HAPS
    # Not at once: the satellite must have been better for the time-to-trigger.
    assert chosen[off.start] == HAPS
    assert int(np.argmax(chosen == SATELLITE)) - off.start == pytest.approx(2, abs=1)
