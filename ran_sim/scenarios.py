"""What a run simulates: a pass, its seed, what happens during it, and when triggers fire."""

import datetime as dt
import enum
import math
from dataclasses import dataclass, field

from radio_math.attenuation import MAX_FREQUENCY_GHZ
from radio_math.context import ESIMS
from ran_sim.coverage import BeamChoice, PlatformChoice
from ran_sim.csi import Knowledge
from ran_sim.handover import HandoverRule
from ran_sim.orbit.elements import ElementSet, parse_element_set
from ran_sim.propagation import Propagation, PropagationModel
from ran_sim.ranges import MAX_ID_LENGTH, check_range, invalid_field, is_identity

DEFAULT_CARRIER_FREQUENCY_HZ = 20e9
DEFAULT_POWER_BUDGET_DBW = 15.0
DEFAULT_TICK_PERIOD_S = 1.0
DEFAULT_CSI_AGE_S = 0.02
MAX_TICKS = 10_000
MAX_DISTURBANCES = 256
MAX_SATELLITES = 64
# How far from an ESIM a station may stand: nearer it would share the vehicle's parking place,
# farther the terrain hides it.
MIN_STATION_DISTANCE_KM = 0.5
MAX_STATION_DISTANCE_KM = 50.0


class DisturbanceKind(enum.Enum):
    """What can happen to the radio environment during a pass."""

    RAIN_FRONT = "rain_front"
    EAVESDROPPER_ON = "eavesdropper_on"
    SHADOWING = "shadowing"


class TriggerKind(enum.Enum):
    """The three triggers; the value is the middle of the CloudEvents type."""

    BEAM_QUALITY_DEGRADED = "beam-quality-degraded"
    DOPPLER_SINR_DROP = "doppler-sinr-drop"
    EAVESDROPPER_DETECTED = "eavesdropper-detected"


def esim_id(index: int) -> str:
    """Identity of an ESIM of the run, counted from 0."""
    return f"esim-{index + 1:02d}"


def beam_id(index: int) -> str:
    """Identity of a receive spot beam, counted from 0."""
    return str(index + 1)


@dataclass(frozen=True)
class Disturbance:
    """Something that happens between two fractions of the run's duration.

    Attributes:
        kind: what happens.
        start_fraction: begin, in [0, 1].
        end_fraction: end, in (start_fraction, 1].
        severity_db: mean zenith rain attenuation or mean extra shadowing; 0 where not used.
        esim: index of the ESIM that an eavesdropper stands near; None for all.
        distance_km: distance of that eavesdropper; None draws it.
    """

    kind: DisturbanceKind
    start_fraction: float
    end_fraction: float = 1.0
    severity_db: float = 0.0
    esim: int | None = None
    distance_km: float | None = None

    def __post_init__(self) -> None:
        check_range("disturbances.start_fraction", self.start_fraction, 0.0, 1.0)
        check_range("disturbances.end_fraction", self.end_fraction, 0.0, 1.0)
        if self.end_fraction <= self.start_fraction:
            raise invalid_field(
                "disturbances.end_fraction",
                f"{self.end_fraction:g} and must be after start_fraction {self.start_fraction:g}",
            )
        check_range("disturbances.severity_db", self.severity_db, 0.0, 60.0)
        if self.esim is not None and not 0 <= self.esim < ESIMS:
            raise invalid_field(
                "disturbances.esim_id",
                f"none of this run's ESIMs; use {esim_id(0)} to {esim_id(ESIMS - 1)} or leave it "
                "empty for all",
            )
        if self.distance_km is not None:
            check_range(
                "disturbances.distance_km",
                self.distance_km,
                MIN_STATION_DISTANCE_KM,
                MAX_STATION_DISTANCE_KM,
            )


@dataclass(frozen=True)
class TriggerRule:
    """When a trigger fires.

    Attributes:
        threshold: of the observed quantity, in that quantity's unit.
        hysteresis: how far past the threshold it must recover before the rule is armed again.
        time_to_trigger_s: how long the condition must hold (TS 38.331 timeToTrigger).
        cool_down_s: least time between two triggers of one subject.
    """

    threshold: float
    hysteresis: float
    time_to_trigger_s: float
    cool_down_s: float

    def check(self, name: str) -> None:
        """Refuses numbers that make no rule.

        Raises:
            InvalidArgument: a number is out of range; `name` says of which rule.
        """
        check_range(f"{name}.threshold", self.threshold, -1e6, 1e6)
        check_range(f"{name}.hysteresis", self.hysteresis, 0.0, 1e6)
        check_range(f"{name}.time_to_trigger", self.time_to_trigger_s, 0.0, 3600.0)
        check_range(f"{name}.cool_down", self.cool_down_s, 0.0, 3600.0)


DEFAULT_RULES = {
    TriggerKind.BEAM_QUALITY_DEGRADED: TriggerRule(6.0, 1.0, 2.0, 10.0),
    TriggerKind.DOPPLER_SINR_DROP: TriggerRule(0.6, 0.15, 2.0, 10.0),
    TriggerKind.EAVESDROPPER_DETECTED: TriggerRule(6.0, 2.0, 2.0, 10.0),
}
"""Reference SINR in dB, SINR loss in dB, detection statistic in standard deviations."""


@dataclass(frozen=True)
class PassScenario:
    """A satellite pass and what happens in it; the same scenario gives the same events.

    Attributes:
        scenario_id: name of the scenario.
        elements: the satellite.
        latitude_deg: geodetic latitude of the centre of the service area.
        longitude_deg: its longitude, east positive.
        start_time: simulated UTC of the begin; None centres the run on the highest culmination
            within a day after the elements' epoch.
        duration_s: simulated length.
        tick_period_s: simulated time between two ticks.
        seed: of every random draw.
        carrier_frequency_hz: carrier frequency.
        power_budget_dbw: total transmit power of all ESIMs.
        csi_age_s: age of the channel estimates that are served.
        disturbances: what happens during the pass.
        rules: when each kind of trigger fires.
        further_satellites: those that may serve besides `elements`; they need a handover rule.
        propagation: how radio waves get to the satellite.
        beams: how the satellite covers its cells.
        knowledge: how well the network knows what it decides on.
        handover: when beam and satellite change; None: each ESIM keeps the beam of its cell.
        platform: a platform that serves while no satellite stands high.
    """

    scenario_id: str
    elements: ElementSet
    latitude_deg: float
    longitude_deg: float
    duration_s: float
    start_time: dt.datetime | None = None
    tick_period_s: float = DEFAULT_TICK_PERIOD_S
    seed: int = 0
    carrier_frequency_hz: float = DEFAULT_CARRIER_FREQUENCY_HZ
    power_budget_dbw: float = DEFAULT_POWER_BUDGET_DBW
    csi_age_s: float = DEFAULT_CSI_AGE_S
    disturbances: tuple[Disturbance, ...] = ()
    rules: dict[TriggerKind, TriggerRule] = field(default_factory=lambda: dict(DEFAULT_RULES))
    further_satellites: tuple[ElementSet, ...] = ()
    propagation: Propagation = field(default_factory=Propagation)
    beams: BeamChoice = field(default_factory=BeamChoice)
    knowledge: Knowledge = field(default_factory=Knowledge)
    handover: HandoverRule | None = None
    platform: PlatformChoice | None = None

    def __post_init__(self) -> None:
        if not is_identity(self.scenario_id):
            raise invalid_field(
                "scenario_id",
                f"{self.scenario_id[:MAX_ID_LENGTH]!r}; use 1 to {MAX_ID_LENGTH} letters, digits, "
                "dots, dashes and underscores",
            )
        # Beyond 85 degrees the cells would reach over the pole.
        check_range("latitude_deg", self.latitude_deg, -85.0, 85.0)
        check_range("longitude_deg", self.longitude_deg, -180.0, 180.0)
        check_range("tick_period", self.tick_period_s, 0.01, 60.0)
        check_range("duration", self.duration_s, 2 * self.tick_period_s, 86_400.0)
        if self.tick_count > MAX_TICKS:
            raise invalid_field(
                "tick_period",
                f"{self.tick_period_s:g} s, which makes {self.tick_count} ticks of duration "
                f"{self.duration_s:g} s; at most {MAX_TICKS} are allowed",
            )
        check_range("seed", self.seed, 0, 2**63 - 1)
        reference = self.propagation.model is PropagationModel.REFERENCE
        # The atmosphere's attenuations hold up to 55 GHz.
        highest_hz = 100e9 if reference else MAX_FREQUENCY_GHZ * 1e9
        check_range("carrier_frequency_hz", self.carrier_frequency_hz, 1e9, highest_hz)
        check_range("power_budget_dbw", self.power_budget_dbw, -30.0, 60.0)
        check_range("csi_age", self.csi_age_s, 0.0, 10.0)
        if len(self.disturbances) > MAX_DISTURBANCES:
            raise invalid_field(
                "disturbances", f"{len(self.disturbances)} long; at most {MAX_DISTURBANCES}"
            )
        for kind, name in RULE_FIELDS.items():
            self.rules[kind].check(name)
        self._check_satellites()

    def _check_satellites(self) -> None:
        if self.further_satellites and self.handover is None:
            raise invalid_field(
                "handover", "not set, but further_satellites are; say when the satellite changes"
            )
        if self.platform is not None:
            if self.handover is None:
                raise invalid_field(
                    "handover", "not set, but platform is; say when the satellite changes"
                )
            self.platform.check_reach(
                self.latitude_deg, self.longitude_deg, self.beams.cell_radius_m
            )
        if len(self.satellites) > MAX_SATELLITES:
            raise invalid_field(
                "further_satellites",
                f"{len(self.further_satellites)} long; with the first at most {MAX_SATELLITES}",
            )
        identities = [elements.satellite_id for elements in self.satellites]
        for identity in identities:
            if identities.count(identity) > 1:
                raise invalid_field(
                    "further_satellites", f"naming satellite {identity} twice; name it once"
                )

    @property
    def access_ids(self) -> tuple[str, ...]:
        """Identities of all that may serve: satellites, then the platform."""
        satellites = tuple(elements.satellite_id for elements in self.satellites)
        return (*satellites, self.platform.platform.name) if self.platform else satellites

    @property
    def satellites(self) -> tuple[ElementSet, ...]:
        """All satellites that may serve."""
        return (self.elements, *self.further_satellites)

    @property
    def tick_count(self) -> int:
        """Number of ticks, from offset 0 to just before `duration_s`."""
        return math.ceil(round(self.duration_s / self.tick_period_s, 9))


RULE_FIELDS = {
    TriggerKind.BEAM_QUALITY_DEGRADED: "beam_quality",
    TriggerKind.DOPPLER_SINR_DROP: "doppler",
    TriggerKind.EAVESDROPPER_DETECTED: "eavesdropper",
}
"""Name of each rule's field in the scenario."""


def esim_index(identity: str) -> int | None:
    """Index of an ESIM by its identity; None for the empty identity, which means all.

    Raises:
        InvalidArgument: no ESIM has this identity.
    """
    if not identity:
        return None
    known = {esim_id(index): index for index in range(ESIMS)}
    if identity not in known:
        raise invalid_field(
            "disturbances.esim_id",
            f"{identity[:MAX_ID_LENGTH]!r}, none of this run's ESIMs; use {esim_id(0)} to "
            f"{esim_id(ESIMS - 1)} or leave it empty for all",
        )
    return known[identity]


def parse_elements(line1: str, line2: str) -> ElementSet:
    """The satellite of a scenario.

    Raises:
        InvalidArgument: a line is wrong; the message names the line and the field.
    """
    return parse_element_set(line1, line2)
