"""The link budget's terms and the noise behind G/T."""

import pytest

from radio_math.link_budget import (
    LinkBudget,
    carrier_to_noise_db,
    eirp_dbw,
    figure_of_merit_db_per_k,
    noise_temperature_k,
)


@pytest.mark.pitfall(18)
def test_figure_of_merit_of_the_ka_band_terminal() -> None:
    """39.7 dBi, noise figure 1.2 dB and an antenna at 150 K: 15.857 dB/K, not 13.8."""
    assert float(figure_of_merit_db_per_k(39.7, 1.2, 290.0, 150.0)) == pytest.approx(
        15.857, abs=0.001
    )
    assert float(noise_temperature_k(1.2, 290.0, 150.0)) == pytest.approx(242.3, abs=0.1)
    wrong = float(figure_of_merit_db_per_k(39.7, 1.2, 290.0, 290.0))
    assert 15.857 - wrong == pytest.approx(2.0, abs=0.1)


def test_figure_of_merit_of_a_handheld() -> None:
    """0 dBi and 7 dB against a warm surrounding."""
    assert float(figure_of_merit_db_per_k(0.0, 7.0, 290.0, 290.0)) == pytest.approx(
        -31.624, abs=0.001
    )


@pytest.mark.pitfall(13)
def test_a_density_is_no_eirp() -> None:
    """4 dBW/MHz over 400 MHz are 30.02 dBW."""
    assert float(eirp_dbw(4.0, 400e6)) == pytest.approx(30.02, abs=0.001)


@pytest.mark.pitfall(13)
def test_bandwidth_does_not_matter_to_a_density() -> None:
    """Power and noise grow together."""
    ratios = [
        float(carrier_to_noise_db(eirp_dbw(4.0, width), 15.86, width, 179.89))
        for width in (10e6, 133.33e6, 400e6)
    ]
    assert max(ratios) - min(ratios) < 1e-9


def test_the_terms_add_up_to_the_ratio() -> None:
    """Every loss is a row of its own, negative, and the last row is the sum."""
    budget = LinkBudget(30.02, 15.86, 400e6, {"free_space": 179.1, "gas": 0.49, "rain": 3.0})
    *terms, total = budget.terms()
    assert [term.name for term in terms] == [
        "eirp",
        "g_over_t",
        "boltzmann",
        "free_space",
        "gas",
        "rain",
        "bandwidth",
    ]
    assert sum(term.value for term in terms) == pytest.approx(total.value)
    assert total.value == budget.cnr_db == pytest.approx(8.87 - 3.0, abs=0.01)
