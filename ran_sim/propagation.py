"""Which physics the link between ESIMs and satellite follows: a choice of the scenario.

The default is the link of the reference problem, which the shipped model was trained on; TR38811
is TR 38.811 over ITU-R P.618 and leaves each loss term to be switched off by itself.
"""

import enum
from dataclasses import dataclass, fields

from radio_math.large_scale import Surroundings
from ran_sim.atmosphere.rain_cells import RainField
from ran_sim.ranges import check_range, invalid_field

MEDIAN_SKY_PERCENT = 50.0

# More would be one rain, slowly added up.
_MAX_CELLS_PER_KM2 = 0.05


class PropagationModel(enum.Enum):
    """The two links."""

    REFERENCE = "reference"
    TR38811 = "tr38811"


class Loss(enum.Enum):
    """Loss terms that can be left out."""

    GAS = "gas"
    RAIN = "rain"
    CLOUD = "cloud"
    SCINTILLATION = "scintillation"
    SHADOWING = "shadowing"
    CLUTTER = "clutter"


@dataclass(frozen=True)
class Propagation:
    """How radio waves get from the ESIMs to the satellite.

    Attributes:
        model: which link; nothing else applies to the reference link.
        surroundings: of the ESIMs.
        omitted_losses: terms that are left out.
        exceedance_percent: severity of the weather: the percentage of an average year in which
            gases, clouds and rain take at least as much; rain falls up to 5 %.
        rain_cells: rain that moves, instead of that of the weather's severity.
    """

    model: PropagationModel = PropagationModel.REFERENCE
    surroundings: Surroundings = Surroundings.SUBURBAN
    omitted_losses: frozenset[Loss] = frozenset()
    exceedance_percent: float = MEDIAN_SKY_PERCENT
    rain_cells: RainField | None = None

    def __post_init__(self) -> None:
        # The range of ITU-R P.618; a fraction for a percentage falls below it or is refused.
        check_range(
            "propagation.exceedance_percent", self.exceedance_percent, 0.001, MEDIAN_SKY_PERCENT
        )
        if self.rain_cells is not None:
            _check_cells(self.rain_cells)
        if self.model is PropagationModel.REFERENCE and self._says_more():
            raise invalid_field(
                "propagation.model",
                "reference, to which surroundings, omitted_losses, exceedance_percent and "
                "rain_cells do not apply; use tr38811 or leave them out",
            )

    def _says_more(self) -> bool:
        return any(getattr(self, item.name) != item.default for item in fields(self)[1:])


def _check_cells(cells: RainField) -> None:
    for name, value, minimum, maximum in (
        ("mean_rate_mm_h", cells.mean_rate_mm_h, 0.0, 100.0),
        ("mean_peak_mm_h", cells.mean_peak_mm_h, 1.0, 250.0),
        ("radius_km", cells.radius_km, 0.5, 100.0),
        ("wind_east_m_s", cells.wind_east_m_s, -100.0, 100.0),
        ("wind_north_m_s", cells.wind_north_m_s, -100.0, 100.0),
        ("cells_per_km2", cells.cells_per_km2, 0.0, _MAX_CELLS_PER_KM2),
    ):
        check_range(f"propagation.rain_cells.{name}", value, minimum, maximum)
