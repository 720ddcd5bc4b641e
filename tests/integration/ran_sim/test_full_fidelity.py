"""The scenario with everything switched on: the ITU-R's maps, rain cells, handovers, errors."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from fakes.sql_runs import MemoryRunStore
from support.ran_playing import playing

from nf_runtime.clock import SystemClock
from nf_runtime.events.catalogue import EavesdropperDetected, Measurement
from nf_runtime.events.cloud_event import decode, encode
from radio_math.context import check_context
from radio_math.large_scale import Surroundings
from ran_sim.events import kpi_at, measurement_event, trigger_event
from ran_sim.path_losses import PathLosses
from ran_sim.propagation import Loss
from ran_sim.runs import Pace, RunOrder, RunState
from ran_sim.scenario_files import read_scenario_file
from ran_sim.scenarios import PassScenario
from ran_sim.simulation import Simulation

FILE = Path(__file__).parents[3] / "scenarios" / "suburban-rain-cells.yaml"
LOSS_FIELDS = {
    Loss.GAS: "gas_db",
    Loss.CLOUD: "cloud_db",
    Loss.RAIN: "rain_db",
    Loss.SCINTILLATION: "scintillation_db",
    Loss.SHADOWING: "shadowing_db",
    Loss.CLUTTER: "clutter_db",
}


@pytest.fixture(scope="module")
def scenario() -> PassScenario:
    """As it is shipped."""
    return read_scenario_file(FILE).order.scenario


@pytest.fixture(scope="module")
def simulation(scenario: PassScenario) -> Simulation:
    """Played once for all tests."""
    return Simulation(scenario)


def changed(scenario: PassScenario, **changes: object) -> PathLosses:
    """The losses with something else of the propagation."""
    propagation = replace(scenario.propagation, **changes)
    return Simulation(replace(scenario, propagation=propagation)).environment.losses


def test_every_event_can_be_read_back(simulation: Simulation) -> None:
    """No number that JSON does not know, at no tick."""
    for tick in range(simulation.tick_count):
        event = measurement_event(simulation, kpi_at(simulation, "run-1", tick, None), tick)
        triggers = [trigger_event(simulation, "run-1", one) for one in simulation.triggers_at(tick)]
        for published in (event, *triggers):
            message = encode(published, key="1")
            assert b"NaN" not in message.value
            assert decode(message.headers, message.value) == published


def test_contexts_are_usable_throughout(simulation: Simulation) -> None:
    """Blocked links, handovers and errors included."""
    for tick in range(0, simulation.tick_count, 7):
        pair = simulation.contexts_at(tick)
        check_context(pair.true)
        check_context(pair.estimated)


def test_the_same_scenario_gives_the_same_bits(
    scenario: PassScenario, simulation: Simulation
) -> None:
    """Maps and cells are no exception."""
    again = Simulation(scenario)
    assert np.array_equal(again.observables.sinr_db, simulation.observables.sinr_db, equal_nan=True)
    assert again.log.by_tick == simulation.log.by_tick


def test_everything_happens(simulation: Simulation) -> None:
    """Blocked and free links, rain, a handover between satellites, rates of both errors."""
    environment = simulation.environment
    assert 0.5 < environment.line_of_sight.mean() < 1
    assert environment.losses.rain_db.max() > 3
    assert (environment.losses.rain_db >= 0).all()
    assert environment.losses.clutter_db[environment.line_of_sight].max() == 0
    assert environment.losses.clutter_db[~environment.line_of_sight].min() > 5
    assert simulation.handovers.satellite.sum() == 1
    detections = [
        trigger_event(simulation, "run-1", one).data
        for tick in range(simulation.tick_count)
        for one in simulation.triggers_at(tick)
        if one.kind.value == "eavesdropper-detected"
    ]
    assert len(detections) >= 4
    for data in detections:
        assert isinstance(data, EavesdropperDetected)
        assert data.false_alarm_probability == pytest.approx(1e-6)
        assert data.miss_probability is not None
        assert data.ground_truth["holds"]
        assert data.ground_truth["eavesdropper_id"].endswith("-2")


def test_labels_stand_beside_the_measurement(simulation: Simulation) -> None:
    """Twenty stations and ten ESIMs, in columns."""
    data = measurement_event(simulation, kpi_at(simulation, "run-1", 100, None), 100).data
    assert isinstance(data, Measurement)
    assert len(data.esims) == 10
    stations = data.ground_truth["eavesdroppers"]
    assert {len(column) for column in stations.values()} == {20}
    assert sum(stations["hidden"]) == 4
    assert 0 < sum(stations["listening"]) < 20


@pytest.mark.parametrize("loss", list(Loss))
def test_a_loss_can_be_left_out(scenario: PassScenario, simulation: Simulation, loss: Loss) -> None:
    """It is zero then, and every other term stays as it was to the last bit."""
    losses = changed(scenario, omitted_losses=frozenset({loss}))
    for item in fields(PathLosses):
        values = getattr(losses, item.name)
        if item.name == LOSS_FIELDS[loss]:
            assert (values == 0).all()
        else:
            assert np.array_equal(values, getattr(simulation.environment.losses, item.name))


def test_the_weather_is_a_dial(scenario: PassScenario) -> None:
    """Rarer weather takes more; above 5 percent of the year it does not rain."""
    rain_db = [
        changed(scenario, rain_cells=None, exceedance_percent=percent).rain_db
        for percent in (0.01, 0.1, 5.0, 10.0)
    ]
    assert rain_db[0].min() > rain_db[1].min() > rain_db[2].min() > 0
    assert (rain_db[3] == 0).all()


def test_surroundings_matter(scenario: PassScenario) -> None:
    """In a dense city far fewer ESIMs see the satellite."""
    shares = [
        Simulation(
            replace(scenario, propagation=replace(scenario.propagation, surroundings=surroundings))
        ).environment.line_of_sight.mean()
        for surroundings in (Surroundings.SUBURBAN, Surroundings.DENSE_URBAN)
    ]
    assert shares[1] < shares[0] - 0.2


async def test_it_plays_in_lockstep_with_every_trigger_answered(scenario: PassScenario) -> None:
    """A minute of it, through the store and the procedures that the service uses."""
    store = MemoryRunStore()
    order = RunOrder(replace(scenario, duration_s=60.0), Pace.LOCKSTEP, speed_factor=0.0)
    async with playing(store, SystemClock()) as player:
        await player.runs.start("request-1", order)
        outcomes = await player.answer_all()
        assert player.run.state is RunState.FINISHED
        assert player.run.unanswered_count == 0
    assert outcomes
    assert all(outcome.after_bps_hz >= 0 for outcome in outcomes)


class TestPlatform:
    """Satellite, platform, satellite."""

    @pytest.fixture
    def between(self) -> Simulation:
        """As it is shipped."""
        path = FILE.with_name("platform-between-satellites.yaml")
        return Simulation(read_scenario_file(path).order.scenario)

    @pytest.mark.pitfall(33)
    def test_it_serves_between_the_satellites(self, between: Simulation) -> None:
        """It takes over below 30 degrees, hands back above 40, and does not orbit."""
        environment = between.environment
        moments = np.flatnonzero(between.handovers.satellite)
        assert [between.satellite_id_at(int(tick)) for tick in moments] == ["platform-1", "48112"]
        elevation = environment.centre_look.elevation_deg
        first, second = moments
        assert 29.5 < elevation[first - 1] < 30.5
        assert 40 < elevation[second] < 41
        up = slice(int(first), int(second))
        look = environment.now.look
        assert look.range_m[up].max() < 100e3
        assert np.abs(look.doppler_hz(20e9)[up]).max() < 8e3
        assert np.abs(look.doppler_hz(20e9)[: int(first)]).max() > 100e3
        assert environment.csi_age_s[up].max() < 0.0165 < environment.csi_age_s[: int(first)].min()

    def test_nothing_fires_while_it_takes_over(self, between: Simulation) -> None:
        """Five seconds at each handover, and what would have fired is counted."""
        for moment in np.flatnonzero(between.handovers.satellite):
            assert not any(between.triggers_at(int(tick)) for tick in range(moment, moment + 5))
        counts = [int(counts[-1]) for counts in between.log.suppressed.values()]
        assert sum(counts) > 0
        assert kpi_at(between, "run-1", between.tick_count - 1, None).suppressed_triggers == sum(
            counts
        )

    def test_contexts_are_usable_from_it(self, between: Simulation) -> None:
        """While it serves as well."""
        for tick in (80, 100, 190, 210):
            check_context(between.contexts_at(tick).estimated)
