"""Study cases of TR 38.821 and links by parameters."""

import dataclasses

import pytest

from nf_runtime.errors import FailedPrecondition, InvalidArgument, NotFound
from radio_math.polarisation import RIGHT_CIRCULAR, VERTICAL, polarisation_loss_db
from ran_sim.link_budgets import (
    Direction,
    LinkParameters,
    link_budget,
    study_case,
    study_cases,
)

DOWN, UP = Direction.DOWNLINK, Direction.UPLINK


@pytest.mark.pitfall(13)
@pytest.mark.parametrize(
    ("name", "direction", "printed_db"),
    [
        ("SC6", DOWN, 8.5),
        ("SC6", UP, 18.4),
        ("SC9", DOWN, 6.6),
        ("SC9", UP, 2.8),
        ("SC29", UP, -8.6),
    ],
)
def test_the_printed_ratios(name: str, direction: Direction, printed_db: float) -> None:
    """Within 0.15 dB: the TR rounds each term to 0.1 dB. A density for an EIRP misses by 26 dB."""
    assert link_budget(study_case(name, direction)).cnr_db == pytest.approx(printed_db, abs=0.15)


@pytest.mark.pitfall(15)
def test_the_uplink_occupies_twelve_subcarriers() -> None:
    """0.36 MHz: the printed 0.4 MHz would give 2.3 dB where the TR has 2.8."""
    case = study_case("SC9", UP)
    assert case.bandwidth_mhz == 0.36
    printed = dataclasses.replace(case, bandwidth_mhz=0.4)
    assert link_budget(printed).cnr_db == pytest.approx(2.31, abs=0.05)


@pytest.mark.pitfall(16)
def test_polarisation_is_a_term_of_its_own() -> None:
    """0 dB in the study cases as printed; a linear handheld's 3 dB are given, not assumed."""
    case = study_case("SC9", DOWN)
    assert link_budget(case).losses_db["polarisation"] == 0
    loss_db = polarisation_loss_db(RIGHT_CIRCULAR, VERTICAL)
    linear = link_budget(dataclasses.replace(case, polarisation_loss_db=loss_db))
    assert link_budget(case).cnr_db - linear.cnr_db == pytest.approx(3.01, abs=0.01)


@pytest.mark.pitfall(12)
def test_s_band_scintillates_near_the_magnetic_equator_only() -> None:
    """A handheld in Munich does not pay the 2.2 dB."""
    case = study_case("SC9", DOWN)
    north = dataclasses.replace(case, magnetic_latitude_deg=48.2)
    assert link_budget(case).losses_db["scintillation"] == pytest.approx(2.2)
    assert link_budget(north).losses_db["scintillation"] == 0


def test_every_case_has_its_downlink_and_all_but_the_geostationary_their_uplink() -> None:
    """Thirty names; ten uplinks are refused with a reason."""
    assert study_cases() == tuple(f"SC{number}" for number in range(1, 31))
    geostationary = {f"SC{number}" for number in (*range(1, 6), *range(16, 21))}
    for name in study_cases():
        assert -30 < link_budget(study_case(name, DOWN)).cnr_db < 30
        if name in geostationary:
            with pytest.raises(FailedPrecondition, match="G/T of the geostationary"):
                study_case(name, UP)
        else:
            assert -30 < link_budget(study_case(name, UP)).cnr_db < 40


def test_cases_that_differ_in_reuse_share_their_downlink_ratio() -> None:
    """EIRP is a density: SC6, SC7 and SC8 are one downlink over three bands."""
    ratios = [link_budget(study_case(name, DOWN)).cnr_db for name in ("SC6", "SC7", "SC8")]
    assert max(ratios) - min(ratios) < 1e-9


def test_an_unknown_case_is_named() -> None:
    """With what there is."""
    with pytest.raises(NotFound, match=r"no study case SC31; TR 38\.821 has SC1 to SC30"):
        study_case("SC31", DOWN)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frequency_ghz", 20e9),
        ("elevation_deg", -3.0),
        ("altitude_km", 600e3),
        ("bandwidth_mhz", 0.0),
        ("eirp_dbw", float("nan")),
        ("shadow_margin_db", -1.0),
    ],
)
def test_a_parameter_out_of_its_range_is_named(field: str, value: float) -> None:
    """One sentence for each."""
    good = {
        "name": "any",
        "altitude_km": 600.0,
        "elevation_deg": 30.0,
        "frequency_ghz": 20.0,
        "bandwidth_mhz": 400.0,
        "eirp_dbw": 30.0,
        "g_over_t_db_per_k": 15.9,
    }
    LinkParameters(**good)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=field):
        LinkParameters(**{**good, field: value})  # type: ignore[arg-type]
