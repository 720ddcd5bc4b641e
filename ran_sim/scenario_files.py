"""Scenario files: YAML that says what a run simulates and what is expected of it.

The format is described in `scenarios/README.md`. Element files are looked up beside the scenario
file.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from nf_runtime.errors import InvalidArgument, NfError
from radio_math.beams import CELL_RADIUS_M
from radio_math.large_scale import Surroundings
from ran_sim.atmosphere.rain_cells import RainField
from ran_sim.coverage import BeamChoice, PlatformChoice
from ran_sim.csi import DEFAULT_DETECTOR_DEFLECTION, Knowledge
from ran_sim.detection import threshold_for
from ran_sim.handover import HandoverRule
from ran_sim.haps import Platform
from ran_sim.orbit.elements import ElementSet, find_element_set, parse_catalogue
from ran_sim.propagation import MEDIAN_SKY_PERCENT, Loss, Propagation, PropagationModel
from ran_sim.ranges import invalid_field
from ran_sim.runs import DEFAULT_ANSWER_TIMEOUT_S, Pace, RunOrder
from ran_sim.scenarios import (
    DEFAULT_CARRIER_FREQUENCY_HZ,
    DEFAULT_CSI_AGE_S,
    DEFAULT_POWER_BUDGET_DBW,
    DEFAULT_RULES,
    DEFAULT_TICK_PERIOD_S,
    RULE_FIELDS,
    Disturbance,
    DisturbanceKind,
    PassScenario,
    TriggerKind,
    TriggerRule,
    esim_index,
)
from ran_sim.spot_beams import Coverage, Steering

MAX_FILE_BYTES = 4_000_000

Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all parts of the file: a key that is not known is an error."""


class _Satellite(_Strict, frozen=True):
    elements_file: str
    satellite_id: str
    further_satellite_ids: list[str] | Literal["all"] = []


class _RainCells(_Strict, frozen=True):
    mean_rate_mm_h: float
    mean_peak_mm_h: float = RainField.mean_peak_mm_h
    radius_km: float = RainField.radius_km
    wind_east_m_s: float = RainField.wind_east_m_s
    wind_north_m_s: float = RainField.wind_north_m_s


class _Propagation(_Strict, frozen=True):
    model: PropagationModel = PropagationModel.REFERENCE
    surroundings: Surroundings = Surroundings.SUBURBAN
    omitted_losses: frozenset[Loss] = frozenset()
    exceedance_percent: float = MEDIAN_SKY_PERCENT
    rain_cells: _RainCells | None = None


class _Beams(_Strict, frozen=True):
    coverage: Coverage = Coverage.ADAPTIVE_APERTURE
    steering: Steering = Steering.EARTH_FIXED
    cell_radius_km: float = CELL_RADIUS_M / 1e3


class _Platform(_Strict, frozen=True):
    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float = Platform.altitude_m
    jitter_deg: float = Platform.jitter_deg
    wander_radius_m: float = Platform.wander_radius_m
    satellite_elevation_deg: float = PlatformChoice.satellite_elevation_deg


class _Knowledge(_Strict, frozen=True):
    processing_delay_s: float | None = None
    sinr_error_db: float = 0.0
    ephemeris_error_m: float = 0.0
    station_error_m: float = 0.0
    detector_deflection: float = DEFAULT_DETECTOR_DEFLECTION


class _Handover(_Strict, frozen=True):
    beam_hysteresis_db: float = HandoverRule.beam_hysteresis_db
    beam_time_to_trigger_s: float = HandoverRule.beam_time_to_trigger_s
    satellite_hysteresis_deg: float = HandoverRule.satellite_hysteresis_deg
    satellite_minimum_time_s: float = HandoverRule.satellite_minimum_time_s
    suppression_s: float = HandoverRule.suppression_s


class _TriggerRule(_Strict, frozen=True):
    hysteresis: float
    time_to_trigger_s: float
    cool_down_s: float
    threshold: float | None = None
    false_alarm_probability: Annotated[float, Meta(gt=0, lt=1)] | None = None


class _Disturbance(_Strict, frozen=True):
    kind: DisturbanceKind
    start_fraction: float
    end_fraction: float = 1.0
    severity_db: float = 0.0
    esim_id: str = ""
    distance_km: float | None = None


class _Run(_Strict, frozen=True):
    pace: Pace = Pace.SCALED
    speed_factor: float = 1.0
    answer_timeout_s: float = DEFAULT_ANSWER_TIMEOUT_S


class Expectation(_Strict, frozen=True):
    """What the judge of a scenario compares the run with.

    Attributes:
        triggers: least number of triggers, by the kind's name.
        lost_events: events that were published and never seen by their consumer.
        unanswered_triggers: triggers whose answer did not come in time.
        decisions_failed: decisions that could not be made or applied.
        after_above_before: whether the mean secrecy rate must rise with the decisions.
        ratio_to_exhaustive: least mean ratio to exhaustive search.
    """

    triggers: dict[TriggerKind, Count] = {}
    lost_events: Count = 0
    unanswered_triggers: Count = 0
    decisions_failed: Count = 0
    after_above_before: bool = True
    ratio_to_exhaustive: Share = 0.0


class _File(_Strict, frozen=True):
    scenario_id: str
    satellite: _Satellite
    latitude_deg: float
    longitude_deg: float
    duration_s: float
    description: str = ""
    start_time: dt.datetime | None = None
    tick_period_s: float = DEFAULT_TICK_PERIOD_S
    seed: int = 0
    carrier_frequency_hz: float = DEFAULT_CARRIER_FREQUENCY_HZ
    power_budget_dbw: float = DEFAULT_POWER_BUDGET_DBW
    csi_age_s: float = DEFAULT_CSI_AGE_S
    disturbances: list[_Disturbance] = []
    triggers: dict[str, _TriggerRule] = {}
    propagation: _Propagation = _Propagation()
    beams: _Beams = _Beams()
    knowledge: _Knowledge = _Knowledge()
    handover: _Handover | None = None
    platform: _Platform | None = None
    run: _Run = _Run()
    expect: Expectation | None = None


@dataclass(frozen=True)
class ScenarioFile:
    """A scenario file, read and checked.

    Attributes:
        path: where it was read.
        description: for people.
        order: what to start.
        expect: what to judge the run by; None where the file does not say.
    """

    path: Path
    description: str
    order: RunOrder
    expect: Expectation | None


def read_scenario_file(
    path: Path, *, duration_s: float | None = None, seed: int | None = None
) -> ScenarioFile:
    """The scenario of a file, with another duration or seed where they are given.

    Raises:
        InvalidArgument: the file cannot be read or used; the message names the file and the field.
    """
    try:
        file = msgspec.convert(_document(path), _File)
        scenario = _scenario(file, path, duration_s, seed)
        order = RunOrder(
            scenario=scenario,
            pace=file.run.pace,
            speed_factor=file.run.speed_factor,
            answer_timeout_s=file.run.answer_timeout_s,
        )
    except msgspec.ValidationError as error:
        raise _unusable(path, str(error)) from error
    except NfError as error:
        raise _unusable(path, str(error)) from error
    return ScenarioFile(path, file.description.strip(), order, file.expect)


def _scenario(file: _File, path: Path, duration_s: float | None, seed: int | None) -> PassScenario:
    catalogue = parse_catalogue(
        _text(path.parent / file.satellite.elements_file, "satellite.elements_file")
    )
    cells = file.propagation.rain_cells
    return PassScenario(
        scenario_id=file.scenario_id,
        elements=find_element_set(catalogue, file.satellite.satellite_id),
        latitude_deg=file.latitude_deg,
        longitude_deg=file.longitude_deg,
        start_time=_utc(file.start_time),
        duration_s=file.duration_s if duration_s is None else duration_s,
        tick_period_s=file.tick_period_s,
        seed=file.seed if seed is None else seed,
        carrier_frequency_hz=file.carrier_frequency_hz,
        power_budget_dbw=file.power_budget_dbw,
        csi_age_s=file.csi_age_s,
        disturbances=tuple(
            Disturbance(
                kind=one.kind,
                start_fraction=one.start_fraction,
                end_fraction=one.end_fraction,
                severity_db=one.severity_db,
                esim=esim_index(one.esim_id),
                distance_km=one.distance_km,
            )
            for one in file.disturbances
        ),
        rules=_rules(file.triggers),
        further_satellites=_further_satellites(catalogue, file.satellite),
        propagation=Propagation(
            **{
                **msgspec.structs.asdict(file.propagation),
                "rain_cells": RainField(**msgspec.structs.asdict(cells)) if cells else None,
            }
        ),
        beams=BeamChoice(file.beams.coverage, file.beams.steering, file.beams.cell_radius_km * 1e3),
        knowledge=Knowledge(**msgspec.structs.asdict(file.knowledge)),
        handover=HandoverRule(**msgspec.structs.asdict(file.handover)) if file.handover else None,
        platform=_platform(file.platform) if file.platform else None,
    )


def _further_satellites(
    catalogue: list[ElementSet], satellite: _Satellite
) -> tuple[ElementSet, ...]:
    identities = satellite.further_satellite_ids
    if identities == "all":
        others = {entry.satellite_id: None for entry in catalogue}
        others.pop(satellite.satellite_id, None)
        identities = list(others)
    return tuple(find_element_set(catalogue, identity) for identity in identities)


def _platform(given: _Platform) -> PlatformChoice:
    values = msgspec.structs.asdict(given)
    worth_deg = values.pop("satellite_elevation_deg")
    return PlatformChoice(Platform(**values), worth_deg)


def _rules(given: dict[str, _TriggerRule]) -> dict[TriggerKind, TriggerRule]:
    unknown = sorted(set(given) - set(RULE_FIELDS.values()))
    if unknown:
        raise InvalidArgument(
            f"triggers names {unknown[0]!r}; there are {', '.join(RULE_FIELDS.values())}.",
            reason="INVALID_FIELD",
            field="triggers",
        )
    return {
        kind: _rule(kind, given[name]) if (name := RULE_FIELDS[kind]) in given else default
        for kind, default in DEFAULT_RULES.items()
    }


def _rule(kind: TriggerKind, given: _TriggerRule) -> TriggerRule:
    name, threshold = RULE_FIELDS[kind], given.threshold
    if given.false_alarm_probability is not None:
        if kind is not TriggerKind.EAVESDROPPER_DETECTED or threshold is not None:
            raise invalid_field(
                f"triggers.{name}.false_alarm_probability",
                "another way to give the threshold of the eavesdropper trigger; use it there, and "
                "without a threshold",
            )
        threshold = threshold_for(given.false_alarm_probability)
    if threshold is None:
        raise invalid_field(f"triggers.{name}.threshold", "missing; say when the trigger fires")
    return TriggerRule(threshold, given.hysteresis, given.time_to_trigger_s, given.cool_down_s)


def _document(path: Path) -> Any:
    try:
        return yaml.safe_load(_text(path, "the scenario file"))
    except yaml.YAMLError as error:
        raise _unusable(path, f"it is no YAML: {' '.join(str(error).split())}") from error


def _text(path: Path, what: str) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise _unusable(path, f"{what} has {size} bytes; at most {MAX_FILE_BYTES} are read")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, f"{what} cannot be read: {error}") from error


def _utc(time: dt.datetime | None) -> dt.datetime | None:
    if time is None:
        return None
    return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)


def _unusable(path: Path, what: str) -> InvalidArgument:
    return InvalidArgument(f"{path}: {what}", reason="INVALID_FIELD", file=str(path))
