"""Reading scenario files."""

from pathlib import Path

import pytest
import yaml

from nf_runtime.errors import InvalidArgument
from ran_sim.runs import Pace
from ran_sim.scenario_files import read_scenario_file
from ran_sim.scenarios import DEFAULT_RULES, TriggerKind
from ran_sim.simulation import Simulation

SCENARIOS = Path(__file__).parents[3] / "scenarios"
SHIPPED = sorted(SCENARIOS.glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@pytest.mark.parametrize("duration_s", [60.0, 300.0])
def test_shipped_scenarios_play(path: Path, duration_s: float) -> None:
    """Each has triggers of all kinds, at least as many as it expects, over several seeds."""
    for seed in range(4):
        file = read_scenario_file(path, duration_s=duration_s, seed=seed)
        simulation = Simulation(file.order.scenario)
        fired = [
            trigger.kind
            for tick in range(simulation.tick_count)
            for trigger in simulation.triggers_at(tick)
        ]
        least = file.expect.triggers if file.expect else {}
        for kind in TriggerKind:
            assert fired.count(kind) >= max(least.get(kind, 0), 1)
        assert file.description


def test_the_demo_pass_culminates_in_its_middle() -> None:
    """A real satellite almost in the zenith, half-way, and rain at 40 to 75 per cent only."""
    simulation = Simulation(read_scenario_file(SCENARIOS / "demo-pass.yaml").order.scenario)
    elevation = simulation.environment.centre_look.elevation_deg
    assert elevation[150] > 85
    assert elevation.min() > 20
    rain = simulation.environment.losses.rain_db
    assert rain[121:].max() > 5
    assert (rain[: int(0.4 * 300)] == 0).all()
    assert (rain[int(0.75 * 300) + 1 :] == 0).all()


def test_what_the_regression_expects() -> None:
    """The file's expectation and pace are read."""
    file = read_scenario_file(SCENARIOS / "regression-pass.yaml")
    assert file.expect is not None
    assert file.expect.ratio_to_exhaustive == 0.85
    assert file.expect.lost_events == 0
    assert file.order.pace is Pace.LOCKSTEP
    assert file.order.speed_factor == 0


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """A scenario file that a test may spoil."""
    document = yaml.safe_load((SCENARIOS / "regression-pass.yaml").read_text())
    elements = SCENARIOS / document["satellite"]["elements_file"]
    document["satellite"]["elements_file"] = "elements.tle"
    (tmp_path / "elements.tle").write_text(elements.read_text())
    path = tmp_path / "pass.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def spoil(path: Path, **changes: object) -> None:
    """Changes top-level keys; None removes one."""
    document = {**yaml.safe_load(path.read_text()), **changes}
    path.write_text(yaml.safe_dump({k: v for k, v in document.items() if v is not None}))


def test_defaults(scenario: Path) -> None:
    """What a file leaves out has a default."""
    for key in ("triggers", "expect", "run", "seed", "csi_age_s", "tick_period_s"):
        spoil(scenario, **{key: None})
    file = read_scenario_file(scenario)
    assert file.expect is None
    assert file.order.scenario.rules == DEFAULT_RULES
    assert file.order.scenario.seed == 0
    assert file.order.pace is Pace.SCALED


def test_a_whole_constellation_may_serve(scenario: Path) -> None:
    """Every satellite of the file, the named one first, and whoever stands highest serves."""
    spoil(
        scenario,
        satellite={
            "elements_file": "elements.tle",
            "satellite_id": "48112",
            "further_satellite_ids": "all",
        },
        handover={"satellite_hysteresis_deg": 2.0},
    )
    read = read_scenario_file(scenario).order.scenario
    assert read.satellites[0].satellite_id == "48112"
    assert len(read.satellites) == 62
    simulation = Simulation(read)
    assert simulation.satellite_id_at(30) == "48112"


def test_a_time_without_a_zone_is_utc(scenario: Path) -> None:
    """YAML times with and without a zone mean the same instant."""
    spoil(scenario, start_time="2022-09-14T13:55:00+02:00")
    with_zone = read_scenario_file(scenario).order.scenario.start_time
    spoil(scenario, start_time="2022-09-14T11:55:00")
    assert read_scenario_file(scenario).order.scenario.start_time == with_zone


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scenario_id": None}, "scenario_id"),
        ({"duration": 60}, "duration"),
        ({"duration_s": "long"}, "duration_s"),
        ({"latitude_deg": 100.0}, "latitude_deg is 100"),
        ({"satellite": {"elements_file": "none.tle", "satellite_id": "1"}}, "elements_file"),
        (
            {"satellite": {"elements_file": "elements.tle", "satellite_id": "99999"}},
            "Satellite 99999",
        ),
        ({"disturbances": [{"kind": "hail", "start_fraction": 0.1}]}, "disturbances"),
        (
            {"disturbances": [{"kind": "shadowing", "start_fraction": 0.1, "esim_id": "x"}]},
            "esim_id",
        ),
        ({"triggers": {"beams": {}}}, "triggers"),
        ({"triggers": {"doppler": {"threshold": 1.0}}}, "triggers"),
        ({"expect": {"ratio_to_exhaustive": 85}}, "ratio_to_exhaustive"),
        ({"run": {"pace": "hurried"}}, "pace"),
        ({"propagation": {"model": "magic"}}, "propagation.model"),
        ({"propagation": {"model": "tr38811", "surroundings": "jungle"}}, "surroundings"),
        ({"propagation": {"model": "tr38811", "omitted_losses": ["wind"]}}, "omitted_losses"),
        ({"propagation": {"model": "tr38811", "exceedance_percent": 1e-4}}, "exceedance_percent"),
        ({"propagation": {"surroundings": "urban"}}, "propagation.model"),
        (
            {"propagation": {"model": "tr38811", "rain_cells": {"mean_rate_mm_h": 0}}},
            "mean_rate_mm_h",
        ),
        (
            {"propagation": {"model": "tr38811"}, "carrier_frequency_hz": 60e9},
            "carrier_frequency_hz",
        ),
        ({"beams": {"coverage": "searchlight"}}, "beams.coverage"),
        ({"beams": {"steering": "earth_moving"}}, "beams.steering"),
        ({"knowledge": {"sinr_error_db": -1}}, "knowledge.sinr_error_db"),
        ({"handover": {"suppression_s": -1}}, "handover.suppression"),
        (
            {
                "satellite": {
                    "elements_file": "elements.tle",
                    "satellite_id": "48112",
                    "further_satellite_ids": ["46573"],
                }
            },
            "handover",
        ),
        (
            {
                "triggers": {
                    "doppler": {
                        "false_alarm_probability": 0.01,
                        "hysteresis": 1.0,
                        "time_to_trigger_s": 1.0,
                        "cool_down_s": 1.0,
                    }
                }
            },
            "false_alarm_probability",
        ),
    ],
)
def test_a_bad_key_is_named(scenario: Path, changes: dict[str, object], words: str) -> None:
    """The error names the file and the key."""
    spoil(scenario, **changes)
    with pytest.raises(InvalidArgument) as caught:
        read_scenario_file(scenario)
    assert str(scenario.parent) in caught.value.message
    assert words in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: b: c", "\x00", "&a [*a]"])
def test_what_is_no_scenario(tmp_path: Path, text: str) -> None:
    """Files without keys, and files that are no YAML."""
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match="odd"):
        read_scenario_file(path)


def test_a_missing_file(tmp_path: Path) -> None:
    """The error names it."""
    with pytest.raises(InvalidArgument, match="absent"):
        read_scenario_file(tmp_path / "absent.yaml")
