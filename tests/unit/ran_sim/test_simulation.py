"""A whole run: equal for equal seeds, seen from any tick, with all its disturbances."""

import datetime as dt
from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest
from support.passes import element_set, other_element_set, pass_scenario

from nf_runtime.errors import FailedPrecondition
from nf_runtime.events.catalogue import Measurement
from nf_runtime.events.cloud_event import encode
from radio_math.context import Allocation, RadioContext, check_context
from radio_math.secrecy import Combining
from ran_sim.adversaries import HIDDEN
from ran_sim.cells import HOME_CELL
from ran_sim.coverage import BeamChoice
from ran_sim.csi import Knowledge
from ran_sim.events import kpi_at, measurement_event, trigger_event
from ran_sim.handover import HandoverRule
from ran_sim.scenarios import (
    DEFAULT_RULES,
    Disturbance,
    DisturbanceKind,
    PassScenario,
    TriggerKind,
    TriggerRule,
)
from ran_sim.simulation import InForce, Simulation
from ran_sim.spot_beams import Coverage, Steering


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    """The test pass."""
    return Simulation(pass_scenario())


def published(simulation: Simulation) -> bytes:
    """Every event of a run as it goes to the broker."""
    messages = []
    for tick in range(simulation.tick_count):
        kpi = kpi_at(simulation, "run-1", tick, None)
        messages.append(encode(measurement_event(simulation, kpi, tick), key="k"))
        messages += [
            encode(trigger_event(simulation, "run-1", trigger), key=str(trigger.beam))
            for trigger in simulation.triggers_at(tick)
        ]
    return b"\n".join(repr(message).encode() for message in messages)


def counts(scenario: PassScenario) -> Counter[TriggerKind]:
    """Triggers of a scenario by kind."""
    simulation = Simulation(scenario)
    return Counter(
        trigger.kind
        for tick in range(simulation.tick_count)
        for trigger in simulation.triggers_at(tick)
    )


def equal(first: RadioContext, second: RadioContext) -> bool:
    """Whether two contexts agree to the last bit."""
    return all(
        np.array_equal(getattr(first, item.name), getattr(second, item.name))
        for item in fields(RadioContext)
    )


class TestDeterminism:
    """The same scenario gives the same run."""

    def test_same_seed_same_bytes(self, simulation: Simulation) -> None:
        """Two runs publish byte-identical events."""
        assert published(Simulation(pass_scenario())) == published(simulation)

    def test_other_seed_other_bytes(self, simulation: Simulation) -> None:
        """The comparison above can fail."""
        assert published(Simulation(pass_scenario(seed=4))) != published(simulation)

    def test_any_tick_can_be_looked_at_first(self, simulation: Simulation) -> None:
        """Jumping to a tick gives the same contexts as playing up to it."""
        for tick in range(50):
            simulation.contexts_at(tick)
        fresh = Simulation(pass_scenario())
        assert equal(fresh.contexts_at(49).true, simulation.contexts_at(49).true)
        assert equal(fresh.contexts_at(49).estimated, simulation.contexts_at(49).estimated)
        assert equal(fresh.contexts_at(7).estimated, simulation.contexts_at(7).estimated)

    def test_the_benchmark_belongs_to_the_seed(self, simulation: Simulation) -> None:
        """What is in force at first is drawn once for a run."""
        first, second = simulation.benchmark(), Simulation(pass_scenario()).benchmark()
        assert first.allocation.carrier.tolist() == second.allocation.carrier.tolist()
        assert first.combining is Combining.MRC


class TestTriggers:
    """What fires, and why."""

    @pytest.mark.parametrize("duration_s", [60.0, 300.0])
    @pytest.mark.parametrize("seed", range(5))
    def test_all_three_kinds_fire(self, duration_s: float, seed: int) -> None:
        """In a minute and in five, for every seed."""
        found = counts(pass_scenario(duration_s=duration_s, seed=seed))
        assert all(found[kind] > 0 for kind in TriggerKind)
        assert 12 <= found.total() <= 80

    def test_every_hidden_station_is_detected_once(self, simulation: Simulation) -> None:
        """Four stations switch on, and four triggers follow within some seconds."""
        fired = [
            (trigger.esim, tick)
            for tick in range(simulation.tick_count)
            for trigger in simulation.triggers_at(tick)
            if trigger.kind is TriggerKind.EAVESDROPPER_DETECTED
        ]
        expected = [(1, 6 + 2), (3, 18 + 2), (5, 30 + 2), (7, 48 + 2)]
        assert fired == expected

    def test_rain_degrades_beams(self) -> None:
        """Without the front far fewer beams trigger."""
        dry = pass_scenario(disturbances=pass_scenario().disturbances[1:])
        kind = TriggerKind.BEAM_QUALITY_DEGRADED
        wet = sum(counts(pass_scenario(seed=seed))[kind] for seed in range(4))
        assert sum(counts(replace(dry, seed=seed))[kind] for seed in range(4)) < wet / 3

    @pytest.mark.pitfall(23)
    def test_doppler_triggers_follow_the_loss_and_not_the_shift(self) -> None:
        """They come where the residual is large, though the raw shift is small there."""
        simulation = Simulation(pass_scenario(duration_s=300.0, disturbances=()))
        fired = [
            (tick, trigger.esim)
            for tick in range(simulation.tick_count)
            for trigger in simulation.triggers_at(tick)
            if trigger.kind is TriggerKind.DOPPLER_SINR_DROP
        ]
        ticks, esims = np.array(fired).T
        residual = simulation.environment.residual_doppler_hz
        shift = np.abs(simulation.environment.now.look.doppler_hz(20e9))
        assert residual[ticks, esims].min() > np.median(residual)
        assert np.median(shift[ticks, esims]) < np.median(shift)

    def test_sequences_count_each_kind(self, simulation: Simulation) -> None:
        """From one on, without a gap, in order of time."""
        for kind in TriggerKind:
            numbers = [
                trigger.sequence
                for tick in range(simulation.tick_count)
                for trigger in simulation.triggers_at(tick)
                if trigger.kind is kind
            ]
            assert numbers == list(range(1, len(numbers) + 1))

    def test_decisions_do_not_change_triggers(self) -> None:
        """Looking at contexts and rates leaves the log as it is."""
        scenario = pass_scenario()
        used = Simulation(scenario)
        before = published(used)
        for tick in range(0, used.tick_count, 5):
            used.secrecy_rate_bps_hz(tick, used.benchmark())
        assert published(used) == before


class TestContexts:
    """What is true and what is served."""

    def test_both_are_usable(self, simulation: Simulation) -> None:
        """Every context of the pass passes the checks of those who decide on it."""
        for tick in range(simulation.tick_count):
            pair = simulation.contexts_at(tick)
            check_context(pair.true)
            check_context(pair.estimated)

    def test_the_estimate_is_wrong_but_not_far_off(self, simulation: Simulation) -> None:
        """The reported gain differs from the true one, by some decibels."""
        errors = []
        for tick in range(simulation.tick_count):
            pair = simulation.contexts_at(tick)
            ratio = pair.estimated.gain_per_w[:, 0] / pair.true.gain_per_w[:, 0]
            errors.append(10 * np.log10(ratio))
        assert 0.2 < np.std(errors) < 3.0

    def test_older_estimates_are_worse(self) -> None:
        """With the age of the reports the satellite is sought where it was."""
        errors = []
        for age_s in (0.0, 5.0):
            simulation = Simulation(pass_scenario(csi_age_s=age_s))
            pair = simulation.contexts_at(30)
            difference = pair.estimated.beam_amplitude - pair.true.beam_amplitude
            errors.append(np.abs(difference).max())
        assert errors[0] == 0.0
        assert errors[1] > 1e-3

    def test_a_hidden_station_is_in_the_estimate_once_detected(
        self, simulation: Simulation
    ) -> None:
        """It leaks from the moment it is on, and is reported from its trigger on."""
        # The station of ESIM 3 goes on at tick 18 and is detected at tick 20.
        pairs = [simulation.contexts_at(tick) for tick in (17, 18, 19, 20)]
        true = [pair.true.leakage_per_w[3].mean() for pair in pairs]
        reported = [pair.estimated.leakage_per_w[3].mean() for pair in pairs]
        assert min(true[1:]) > 5 * true[0]
        assert max(reported[1:3]) < 3 * reported[0]
        assert reported[3] > 5 * reported[0]

    def test_rain_weakens_the_link(self) -> None:
        """In the middle of the front the true gain is less by the attenuation."""
        dry = Simulation(pass_scenario(disturbances=())).contexts_at(36).true
        front = Disturbance(DisturbanceKind.RAIN_FRONT, 0.4, 0.75, severity_db=8.0)
        wet_run = Simulation(pass_scenario(disturbances=(front,)))
        wet = wet_run.contexts_at(36).true
        loss_db = 10 * np.log10(dry.gain_per_w[:, 0] / wet.gain_per_w[:, 0])
        assert loss_db == pytest.approx(wet_run.environment.losses.rain_db[36], abs=1e-6)

    def test_a_decision_beats_the_benchmark(self, simulation: Simulation) -> None:
        """Even without optimisation: MMSE instead of MRC combining on the same allocation."""
        benchmark = simulation.benchmark()
        decided = InForce(benchmark.allocation)
        better = simulation.secrecy_rate_bps_hz(10, decided)
        assert better > simulation.secrecy_rate_bps_hz(10, benchmark) > 0

    def test_nothing_sent_is_nothing_achieved(self, simulation: Simulation) -> None:
        """Zero power has zero secrecy rate."""
        allocation = simulation.benchmark().allocation
        silent = Allocation(allocation.carrier, np.zeros(10), allocation.beamformer_index)
        assert simulation.secrecy_rate_bps_hz(10, InForce(silent)) == 0


class TestPass:
    """Where and when the run takes place."""

    def test_without_a_start_it_is_centred_on_the_culmination(self, simulation: Simulation) -> None:
        """The satellite is highest in the middle, almost in the zenith."""
        elevation = simulation.environment.centre_look.elevation_deg
        assert abs(int(np.argmax(elevation)) - 30) <= 1
        assert elevation.max() > 88

    def test_a_start_is_kept(self) -> None:
        """Tick 0 is at the time that the scenario gives."""
        start = dt.datetime(2022, 9, 14, 11, 55, tzinfo=dt.UTC)
        simulation = Simulation(pass_scenario(start_time=start))
        assert simulation.time_at(0) == start
        assert simulation.time_at(7) == start + dt.timedelta(seconds=7)

    def test_stale_elements_are_refused(self) -> None:
        """A start four days after the epoch names the field."""
        start = dt.datetime(2022, 9, 18, 12, tzinfo=dt.UTC)
        with pytest.raises(FailedPrecondition) as caught:
            Simulation(pass_scenario(start_time=start))
        assert caught.value.reason == "ELEMENTS_UNUSABLE"
        assert caught.value.metadata["field"] == "start_time"

    def test_below_the_horizon_nothing_is_served_or_triggered(self) -> None:
        """An hour from the pass there is neither context nor trigger, but a signed elevation."""
        start = dt.datetime(2022, 9, 14, 10, 45, tzinfo=dt.UTC)
        simulation = Simulation(pass_scenario(start_time=start))
        assert all(not simulation.triggers_at(tick) for tick in range(simulation.tick_count))
        kpi = kpi_at(simulation, "run-1", 5, None)
        assert kpi.elevation_deg < 0
        assert all(beam.sinr_db is None for beam in kpi.beams)
        with pytest.raises(FailedPrecondition) as caught:
            simulation.contexts_at(5)
        assert caught.value.reason == "SATELLITE_NOT_VISIBLE"


def test_disturbed_stations_leave_their_neighbours_alone() -> None:
    """Hiding one ESIM's station changes no other ESIM's context."""
    plain = Simulation(pass_scenario(disturbances=()))
    hidden = Disturbance(DisturbanceKind.EAVESDROPPER_ON, 0.5, esim=4)
    changed = Simulation(pass_scenario(disturbances=(hidden,)))
    before, after = plain.contexts_at(10).true, changed.contexts_at(10).true
    others = [esim for esim in range(10) if esim != 4]
    assert np.array_equal(before.leakage_per_w[others], after.leakage_per_w[others])
    assert (before.leakage_per_w[4] > after.leakage_per_w[4]).any()
    assert not changed.environment.stations.on[10, 4, HIDDEN]


class TestKnowledge:
    """What the network knows less well than it is."""

    def test_reports_are_as_old_as_their_way(self) -> None:
        """Propagation and processing instead of one number, changing over the pass."""
        knowledge = Knowledge(processing_delay_s=0.016)
        environment = Simulation(pass_scenario(knowledge=knowledge)).environment
        furthest_m = environment.now.look.range_m.max(axis=1)
        assert environment.csi_age_s == pytest.approx(0.016 + furthest_m / 299_792_458.0)
        assert np.ptp(environment.csi_age_s) > 1e-4

    def test_an_orbit_known_badly_costs_sinr(self) -> None:
        """The same seed with a worse ephemeris has more residual Doppler and more triggers."""
        scenario = pass_scenario(disturbances=())
        worse = replace(scenario, knowledge=Knowledge(ephemeris_error_m=5000.0))
        kind = TriggerKind.DOPPLER_SINR_DROP
        residual = [Simulation(one).environment.residual_doppler_hz for one in (scenario, worse)]
        assert (residual[1] > residual[0]).all()
        assert counts(worse)[kind] > counts(scenario)[kind]

    def test_a_station_believed_elsewhere_is_nulled_elsewhere(self) -> None:
        """The report has the wrong bearing; the truth stays."""
        exact = Simulation(pass_scenario(disturbances=()))
        wrong = Simulation(
            pass_scenario(disturbances=(), knowledge=Knowledge(station_error_m=2000.0))
        )
        before, after = exact.contexts_at(10), wrong.contexts_at(10)
        # Without nulls both leak the same; with deep ones the wrong bearing leaks more.
        assert np.array_equal(
            exact.environment.stations.azimuth_deg, wrong.environment.stations.azimuth_deg
        )
        deep = slice(10, None)
        assert np.log(after.true.leakage_per_w[:, deep]).mean() > (
            np.log(before.true.leakage_per_w[:, deep]).mean() + 0.3
        )

    def test_measuring_badly_makes_false_alarms_and_misses(self) -> None:
        """Both are labelled; without errors there are none."""
        noisy = Simulation(pass_scenario(duration_s=300.0, knowledge=Knowledge(sinr_error_db=1.0)))
        exact = Simulation(pass_scenario(duration_s=300.0))
        kind = TriggerKind.DOPPLER_SINR_DROP
        for simulation, expected in ((noisy, True), (exact, False)):
            wrong = [
                not simulation.log.holds[kind][trigger.tick, trigger.of_esim]
                for tick in range(simulation.tick_count)
                for trigger in simulation.triggers_at(tick)
                if trigger.kind is kind
            ]
            assert any(wrong) is expected
            assert bool(simulation.log.missed[kind][-1]) is expected


class TestHandover:
    """Beams and satellites that change."""

    TWO = pass_scenario(
        duration_s=240.0,
        start_time=dt.datetime(2022, 9, 14, 11, 53, tzinfo=dt.UTC),
        elements=other_element_set(),
        further_satellites=(element_set(),),
        handover=HandoverRule(3.0, 1.0, 5.0, 20.0, 4.0),
    )

    @pytest.fixture
    def changing(self) -> Simulation:
        """Two satellites, one after the other."""
        return Simulation(self.TWO)

    def test_the_higher_satellite_takes_over(self, changing: Simulation) -> None:
        """Once, when it stands 5 degrees higher; identities change with it."""
        moments = np.flatnonzero(changing.handovers.satellite)
        assert len(moments) == 1
        tick = int(moments[0])
        assert changing.satellite_id_at(tick - 1) == "46573"
        assert changing.satellite_id_at(tick) == "48112"
        elevation = changing.environment.centre_look.elevation_deg
        # The old one has sunk a little since the tick before.
        assert 4.7 < elevation[tick] - elevation[tick - 1] < 5.5
        kpi = kpi_at(changing, "run-1", tick, None)
        assert kpi.satellite_id == "48112"
        assert [(one.kind, one.from_id, one.to_id) for one in kpi.handovers] == [
            ("satellite", "46573", "48112")
        ]
        data = measurement_event(changing, kpi, tick).data
        assert isinstance(data, Measurement)
        assert [one.to_id for one in data.handovers] == ["48112"]

    def test_contexts_are_of_the_serving_satellite(self, changing: Simulation) -> None:
        """The same bits as a run with that satellite alone."""
        alone = Simulation(replace(self.TWO, elements=element_set(), further_satellites=()))
        after = int(np.flatnonzero(changing.handovers.satellite)[0]) + 5
        assert equal(changing.contexts_at(after).true, alone.contexts_at(after).true)
        before = changing.environment.now.look.range_m[5]
        assert not np.array_equal(before, alone.environment.now.look.range_m[5])

    def test_triggers_wait_and_are_counted(self) -> None:
        """None fires for four seconds after the handover, and what would have is counted."""
        rules = {kind: replace(rule, threshold=50.0) for kind, rule in DEFAULT_RULES.items()}
        kind = TriggerKind.BEAM_QUALITY_DEGRADED
        rules[kind] = TriggerRule(13.0, 0.1, 0.0, 0.0)
        simulation = Simulation(replace(self.TWO, rules=rules))
        moment = int(np.flatnonzero(simulation.handovers.satellite)[0])
        held = range(moment, moment + 4)
        assert not any(simulation.triggers_at(tick) for tick in held)
        suppressed = simulation.log.suppressed[kind]
        assert suppressed[moment - 1] < suppressed[moment + 3]
        assert (
            kpi_at(simulation, "run-1", moment + 3, None).suppressed_triggers
            == suppressed[moment + 3]
        )
        free = Simulation(
            replace(self.TWO, rules=rules, handover=replace(self.TWO.handover, suppression_s=0.0))
        )
        assert any(free.triggers_at(tick) for tick in held)

    def test_beams_change_under_way(self) -> None:
        """Moving beams sweep over the ESIMs, which go from beam to beam."""
        moving = BeamChoice(Coverage.FIXED_APERTURE, Steering.EARTH_MOVING)
        simulation = Simulation(replace(self.TWO, beams=moving))
        assert simulation.handovers.beam.any()
        tick, esim = np.argwhere(simulation.handovers.beam)[0]
        reports = kpi_at(simulation, "run-1", int(tick), None).handovers
        assert f"esim-{esim + 1:02d}" in [one.esim_id for one in reports if one.kind == "beam"]
        amplitude = np.abs(simulation.environment.now.link.beam_amplitude)
        serving = simulation.environment.serving_beam
        mine = np.take_along_axis(amplitude, serving[..., None], axis=-1)[..., 0]
        # 3 dB of hysteresis, held for a second.
        assert np.median(mine / amplitude.max(axis=-1)) > 0.99

    def test_without_a_rule_cells_keep_their_beams(self, simulation: Simulation) -> None:
        """The reference problem has no handover."""
        assert not simulation.handovers.beam.any()
        assert not simulation.handovers.satellite.any()
        assert (simulation.environment.serving_beam == HOME_CELL).all()
