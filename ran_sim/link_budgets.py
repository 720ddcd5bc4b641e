"""The link budgets of TR 38.821: its thirty study cases by name, and any other link by parameters.

    for term in link_budget(study_case("SC6", Direction.DOWNLINK)).terms():
        ...

A satellite's EIRP is a density there: power and noise grow together with the band, so that cases
which differ in frequency reuse alone share their carrier to noise ratio. The uplinks to the
geostationary satellites are left out: no copy of their G/T was seen, and a guess is worse than a
gap. Give those as free parameters.
"""

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from nf_runtime.errors import FailedPrecondition, InvalidArgument, NotFound
from radio_math.gases import slant_gas_db, standard_zenith_gas_db
from radio_math.link import free_space_loss_db, slant_range_m
from radio_math.link_budget import LinkBudget, eirp_dbw, figure_of_merit_db_per_k
from radio_math.scintillation import scintillation_loss_db
from radio_math.tables import standard_table
from ran_sim.atmosphere.site import check_frequency


class Direction(StrEnum):
    """Which way a link goes."""

    DOWNLINK = "DL"
    UPLINK = "UL"


_RANGES = {
    "altitude_km": (8.0, 50_000.0),
    "elevation_deg": (5.0, 90.0),
    "bandwidth_mhz": (1e-3, 1e5),
    "eirp_dbw": (-60.0, 120.0),
    "g_over_t_db_per_k": (-60.0, 60.0),
    "shadow_margin_db": (0.0, 60.0),
    "polarisation_loss_db": (0.0, 60.0),
    "additional_loss_db": (0.0, 60.0),
    "magnetic_latitude_deg": (-90.0, 90.0),
}


@dataclass(frozen=True)
class LinkParameters:
    """What a link budget is made from.

    Attributes:
        name: of the link.
        altitude_km: of the satellite over a spherical earth.
        elevation_deg: of the satellite at the terminal.
        frequency_ghz: carrier frequency.
        bandwidth_mhz: that is occupied: of the study cases' S-band uplinks 0.36, which the TR
            prints as 0.4.
        eirp_dbw: of the transmitter, over that band.
        g_over_t_db_per_k: of the receiver.
        shadow_margin_db: margin for shadow fading.
        polarisation_loss_db: mismatch of the antennas. The study cases print 0 dB, for handhelds
            too, whose linear antenna loses 3 dB under a circular satellite.
        additional_loss_db: anything else.
        magnetic_latitude_deg: of the terminal: S band scintillates within 20 degrees of 0.

    Raises:
        InvalidArgument: a number is out of its range; the field is named.
    """

    name: str
    altitude_km: float
    elevation_deg: float
    frequency_ghz: float
    bandwidth_mhz: float
    eirp_dbw: float
    g_over_t_db_per_k: float
    shadow_margin_db: float = 0.0
    polarisation_loss_db: float = 0.0
    additional_loss_db: float = 0.0
    magnetic_latitude_deg: float = 0.0

    def __post_init__(self) -> None:
        check_frequency(self.frequency_ghz)
        for field in fields(self):
            value = getattr(self, field.name)
            lowest, highest = _RANGES.get(field.name, (-math.inf, math.inf))
            if field.name != "name" and not lowest <= value <= highest:
                raise InvalidArgument(
                    f"{field.name} is {value:g}; give a number from {lowest:g} to {highest:g}.",
                    reason="INVALID_FIELD",
                    field=field.name,
                )


def study_cases() -> tuple[str, ...]:
    """Names of the study cases, SC1 to SC30. Source: TR 38.821 Table 6.1.1.1-9."""
    order = standard_table("tr38821")["case_order"]
    count = len(order["sets"]) * len(order["orbits"]) * len(order["links"])
    return tuple(f"SC{number}" for number in range(1, count + 1))


def study_case(name: str, direction: Direction) -> LinkParameters:
    """The parameters of a study case.

    Raises:
        NotFound: there is no such case.
        FailedPrecondition: the case is an uplink to a geostationary satellite.
    Source: TR 38.821 Tables 6.1.1.1-1, 6.1.1.1-2, 6.1.1.1-3, 6.1.1.1-9, 6.1.3.3-1.
    Not modelled: the cases' interference and their system simulations.
    """
    if name not in study_cases():
        raise NotFound(
            f"There is no study case {name}; TR 38.821 has SC1 to SC{len(study_cases())}.",
            reason="RESOURCE_NOT_FOUND",
            name=name,
        )
    data = standard_table("tr38821")
    set_name, orbit_name, link = _place_of(int(name.removeprefix("SC")) - 1, data["case_order"])
    orbit, band = data["orbits"][orbit_name], data["bands"][link["band"]]
    satellite = data["satellites"][set_name][orbit_name][link["band"]]
    terminal = data["terminals"][link["band"]]
    way = direction.name.lower()
    bandwidth_mhz = data["bandwidth_mhz"][link["band"]][way][link["reuse"]]
    if direction is Direction.DOWNLINK:
        eirp = float(eirp_dbw(satellite["eirp_density_dbw_per_mhz"], bandwidth_mhz * 1e6))
        g_over_t = float(
            figure_of_merit_db_per_k(
                terminal["gain_dbi"],
                terminal["noise_figure_db"],
                terminal["ambient_temperature_k"],
                terminal["antenna_temperature_k"],
            )
        )
    else:
        eirp, g_over_t = terminal["eirp_dbw"], satellite["g_over_t_db_per_k"]
        if g_over_t is None:
            raise FailedPrecondition(
                f"The uplink of {name} is left out: the G/T of the geostationary satellite was not "
                "verified; give eirp_dbw and g_over_t_db_per_k as free parameters.",
                reason="UNAVAILABLE_DATA",
                name=name,
            )
    return LinkParameters(
        name=f"{name} {direction}",
        altitude_km=orbit["altitude_km"],
        elevation_deg=orbit["elevation_deg"],
        frequency_ghz=band["frequency_ghz"][way],
        bandwidth_mhz=bandwidth_mhz,
        eirp_dbw=eirp,
        g_over_t_db_per_k=g_over_t,
        shadow_margin_db=band["shadow_margin_db"],
    )


def link_budget(link: LinkParameters) -> LinkBudget:
    """The budget of a link, each loss by name; `terms()` gives its rows.

    Free space over a spherical earth, gases of the standard atmosphere over sin(el), the
    scintillation of TR 38.811 (ionosphere below 6 GHz, its table above), and what the parameters
    say.

    Source: TR 38.821 6.1.3.1; TR 38.811 6.6.
    Not modelled: rain and clouds (`ran_sim.atmosphere` has them for a place), interference.
    """
    distance_m = slant_range_m(link.altitude_km * 1e3, link.elevation_deg)
    frequency_hz = link.frequency_ghz * 1e9
    zenith_gas_db = standard_zenith_gas_db(link.frequency_ghz)
    return LinkBudget(
        eirp_dbw=link.eirp_dbw,
        g_over_t_db_per_k=link.g_over_t_db_per_k,
        bandwidth_hz=link.bandwidth_mhz * 1e6,
        losses_db={
            "free_space": float(free_space_loss_db(distance_m, frequency_hz)),
            "gas": float(slant_gas_db(zenith_gas_db, link.elevation_deg)),
            "shadow_margin": link.shadow_margin_db,
            "scintillation": float(
                scintillation_loss_db(link.elevation_deg, frequency_hz, link.magnetic_latitude_deg)
            ),
            "polarisation": link.polarisation_loss_db,
            "additional": link.additional_loss_db,
        },
    )


def _place_of(index: int, order: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    """Set, orbit and link of a case by its index: sets change slowest, links quickest."""
    rest, link = divmod(index, len(order["links"]))
    set_index, orbit = divmod(rest, len(order["orbits"]))
    return order["sets"][set_index], order["orbits"][orbit], order["links"][link]
