"""Synthetic shells."""

import datetime as dt
import math

import numpy as np
import pytest

from nf_runtime.errors import InvalidArgument
from ran_sim.orbit.constellations import Constellation
from ran_sim.orbit.elements import parse_element_set
from ran_sim.orbit.passes import Site
from ran_sim.orbit.propagation import Propagator
from ran_sim.orbit.walker import Pattern, WalkerShell, kozai_mean_motion_rev_day, reference_shell

EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def shell(**changes: object) -> WalkerShell:
    """Twelve satellites in three planes at 600 km."""
    values: dict[str, object] = {
        "altitude_km": 600.0,
        "inclination_deg": 53.0,
        "satellite_count": 12,
        "plane_count": 3,
        "phasing": 1,
        "epoch": EPOCH,
    }
    return WalkerShell(**{**values, **changes})  # type: ignore[arg-type]


def test_the_altitude_is_met() -> None:
    """SGP4's own mean semi-major axis is the radius asked for; gravity makes it swing by 10 km."""
    elements = shell().element_sets()[5]
    record = elements.record()
    assert record.a * record.radiusearthkm == pytest.approx(6971.0, abs=1e-3)
    positions = Propagator(elements).ephemeris(EPOCH, np.arange(0.0, 86400.0, 60.0)).position_m
    altitudes_km = np.linalg.norm(positions, axis=-1) / 1e3 - 6371.0
    assert np.abs(altitudes_km - 600.0).max() < 10.0
    assert altitudes_km.mean() == pytest.approx(600.0, abs=1.0)


def test_kozai_differs_from_kepler_by_the_j2_term() -> None:
    """At 600 km and 53 degrees by 5.9 parts in 100,000; at the magic inclination not at all."""
    kepler = 86400 / (2 * math.pi) * math.sqrt(398600.8 / 6971.0**3)
    assert kozai_mean_motion_rev_day(6971.0, 53.0) / kepler - 1 == pytest.approx(5.883e-5, rel=1e-3)
    assert kozai_mean_motion_rev_day(6971.0, 54.7356) == pytest.approx(kepler, rel=1e-8)


@pytest.mark.parametrize(
    ("pattern", "nodes_deg"), [(Pattern.DELTA, [0, 120, 240]), (Pattern.STAR, [0, 60, 120])]
)
def test_planes_are_spread_by_the_pattern(pattern: Pattern, nodes_deg: list[float]) -> None:
    """Over the whole circle in a delta, over half of it in a star."""
    means = [entry.mean for entry in shell(pattern=pattern).element_sets()]
    assert [mean.ascending_node_deg for mean in means if mean][::4] == nodes_deg


def test_neighbouring_planes_are_shifted_by_the_phasing() -> None:
    """With i:12/3/1 by a twelfth of a turn."""
    means = [entry.mean for entry in shell().element_sets()]
    assert [mean.mean_anomaly_deg for mean in means if mean] == pytest.approx(
        [0, 90, 180, 270, 30, 120, 210, 300, 60, 150, 240, 330]
    )


def test_satellites_can_be_sent_as_two_lines() -> None:
    """The lines are good ones and name the satellite; each has a number of its own."""
    sets = shell().element_sets()
    read = [parse_element_set(entry.line1, entry.line2, entry.name) for entry in sets]
    assert [entry.satellite_id for entry in read] == [str(90001 + i) for i in range(12)]
    assert sets[4].name == "WALKER-P02-S01"


def test_the_reference_shell_covers_the_middle_latitudes() -> None:
    """At latitude 48 several of its satellites are always above 10 degrees."""
    constellation = Constellation(reference_shell(EPOCH).element_sets())
    look = constellation.look_from(Site(48.1, 11.6), EPOCH, np.arange(0.0, 86400.0, 600.0))
    assert look.visible(10.0).sum(axis=0).min() >= 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"altitude_km": 600e3}, "altitude_km"),
        ({"inclination_deg": 200.0}, "inclination_deg"),
        ({"satellite_count": 13}, "satellite_count"),
        ({"satellite_count": 0}, "satellite_count"),
        ({"plane_count": 0}, "satellite_count"),
        ({"phasing": 3}, "phasing"),
        ({"first_number": 339_995}, "first_number"),
        ({"epoch": dt.datetime(2026, 1, 1)}, "epoch"),  # noqa: DTZ001 - that is the mistake
    ],
)
def test_a_shell_that_cannot_be_is_refused(changes: dict[str, object], field: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidArgument, match=f"^{field} is"):
        shell(**changes)
