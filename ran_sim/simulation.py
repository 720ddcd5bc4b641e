"""One run: every tick's measurements, triggers and radio contexts, from scenario and seed alone."""

import datetime as dt
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache

import numpy as np

from nf_runtime.errors import FailedPrecondition
from radio_math.attenuation import MIN_ELEVATION_DEG
from radio_math.channel import (
    Channel,
    ContextPair,
    LinkGeometry,
    beamformers,
    context_of,
    reported_channel,
    true_channel,
)
from radio_math.context import Allocation, RadioContext
from radio_math.link import from_db
from radio_math.secrecy import Combining, sum_secrecy_rate
from ran_sim.allocations import benchmark_allocation
from ran_sim.eavesdropping import Eavesdropping, eavesdropper_snr_per_w, eavesdropping
from ran_sim.environment import (
    Environment,
    Stream,
    build_environment,
    random_stream,
)
from ran_sim.foresight import foresee
from ran_sim.handover import BoolArray, changes, within
from ran_sim.observables import Observables, observe, reference_power_w
from ran_sim.orbit.frames import FloatArray
from ran_sim.scenarios import PassScenario
from ran_sim.trigger_log import run_triggers
from ran_sim.triggers import Trigger

# A station that is off, or that the network does not know of, is a station behind a mountain: the
# arrays keep their shape and its leakage vanishes.
_UNHEARD_LOSS_DB = 200.0
# Ticks are mostly asked for in order, and arrays of one tick are too small to be quick: some are
# worked out together. Which ones never depends on what was asked for, so the bits do not either.
_CHUNK_TICKS = 4
_CACHED_CHUNKS = 4


@dataclass(frozen=True)
class Handovers:
    """When the serving beam or satellite changed.

    Attributes:
        beam: [T, U] whether an ESIM's beam is another one than at the tick before; a change of
            satellite is no change of beam.
        satellite: [T] whether the satellite is.
        holding_back: [T, U] whether a handover of the ESIM is so recent that its triggers wait.
    """

    beam: BoolArray
    satellite: BoolArray
    holding_back: BoolArray

    @classmethod
    def of(cls, scenario: PassScenario, environment: Environment) -> "Handovers":
        """The handovers of a run."""
        satellite = changes(environment.serving_satellite[:, None])
        beam = changes(environment.serving_beam) & ~satellite
        window_s = scenario.handover.suppression_s if scenario.handover else 0.0
        recent = within(beam | satellite, window_s, scenario.tick_period_s)
        return cls(beam, satellite[:, 0], recent)


@dataclass(frozen=True)
class InForce:
    """What satellite and ESIMs do: an allocation, and how the satellite combines its beams.

    The benchmark goes with maximum-ratio combining, every decision with MMSE.
    """

    allocation: Allocation
    combining: Combining = Combining.MMSE


class Simulation:
    """A run that can be looked at at any tick, in any order, with the same result."""

    def __init__(self, scenario: PassScenario) -> None:
        self.scenario = scenario
        self.environment: Environment = build_environment(scenario)
        self.observables: Observables = observe(scenario, self.environment)
        self.handovers = Handovers.of(scenario, self.environment)
        self.log = run_triggers(
            scenario,
            self.observables,
            serving_beam=self.environment.serving_beam,
            esim_handover=self.handovers.holding_back,
        )
        self._contexts = lru_cache(maxsize=_CACHED_CHUNKS)(self._build_contexts)
        self._heard = lru_cache(maxsize=_CACHED_CHUNKS)(self._build_heard)

    @property
    def tick_count(self) -> int:
        """Number of ticks of the run."""
        return self.scenario.tick_count

    @cached_property
    def power_budget_w(self) -> float:
        """Total transmit power of all ESIMs."""
        return float(from_db(self.scenario.power_budget_dbw))

    def time_at(self, tick: int) -> dt.datetime:
        """Simulated UTC of a tick."""
        return self.environment.start_time + dt.timedelta(
            seconds=float(self.environment.offset_s[tick])
        )

    def triggers_at(self, tick: int) -> tuple[Trigger, ...]:
        """The triggers that fire at a tick."""
        return self.log.by_tick[tick]

    def satellite_id_at(self, tick: int) -> str:
        """Identity of the satellite or platform that serves at a tick."""
        return self.scenario.access_ids[int(self.environment.serving_satellite[tick])]

    def visible_at(self, tick: int) -> bool:
        """Whether the satellite is high enough for every ESIM."""
        return bool(self.environment.visible[tick])

    def known_at(self, ticks: int | slice) -> BoolArray:
        """Which stations [..., U, E] the network knows to be on, those it was told of included."""
        stations = self.environment.stations
        told = ~stations.hidden[ticks] | self.log.detected[ticks][..., None]
        return np.asarray(stations.on[ticks] & told)

    def eavesdropping_at(self, tick: int) -> Eavesdropping:
        """What the stations hear of the reference allocation; NaN while nothing is visible."""
        chunk, place = divmod(tick, _CHUNK_TICKS)
        sinr = from_db(self.observables.truth.sinr_db[tick])
        return eavesdropping(sinr, self._heard(chunk)[place], self.environment.stations.on[tick])

    def contexts_at(self, tick: int) -> ContextPair:
        """The true radio context of a tick, and the estimate that is served at it.

        The estimate is made of reports of an age, mispointed and off in gain, and knows of a
        hidden eavesdropper only while it is detected. Both use the same beamformers:
        between two decisions each ESIM keeps tracking the satellite with the weights of its own
        latest report, and a decision fixes only where on the grid it stands.

        Raises:
            FailedPrecondition: the satellite is too low for one of the ESIMs.
        """
        if not self.visible_at(tick):
            raise _not_visible(float(self.environment.now.look.elevation_deg[tick].min()))
        chunk, place = divmod(tick, _CHUNK_TICKS)
        pair = self._contexts(chunk)
        return ContextPair(true=_at(pair.true, place), estimated=_at(pair.estimated, place))

    def predicted_at(self, tick: int, horizon_s: float) -> RadioContext:
        """The estimate of a tick, with geometry and Doppler as the orbit has them later.

        For a decision that takes effect `horizon_s` after the tick. Channel reports, weather,
        stations and carrier noise are those known at the tick.

        Args:
            tick: now.
            horizon_s: from now, 0 or more; 0 makes up for the age of the reports alone.

        Raises:
            FailedPrecondition: the satellite will be too low for one of the ESIMs.
        """
        environment, now = self.environment, slice(tick, tick + 1)
        foreseen = foresee(self.scenario, environment, tick, horizon_s)
        if foreseen.lowest_deg < MIN_ELEVATION_DEG:
            raise _not_visible(foreseen.lowest_deg)
        reported = self._reported(now, foreseen.link)
        context = context_of(
            reported,
            beamformers(reported, environment.model),
            foreseen.link,
            ici_factor=foreseen.ici_factor,
            carrier_noise=environment.carrier_noise[now],
            power_budget_w=np.full(1, self.power_budget_w),
        )
        return _at(context, 0)

    def benchmark(self) -> InForce:
        """What is in force before the first decision; the same throughout the run."""
        rng = random_stream(self.scenario.seed, Stream.BENCHMARK)
        return InForce(benchmark_allocation(self.power_budget_w, rng), Combining.MRC)

    def secrecy_rate_bps_hz(self, tick: int, in_force: InForce) -> float:
        """Sum secrecy rate at a tick on the true channel, in b/s/Hz.

        Raises:
            FailedPrecondition: the satellite is too low for one of the ESIMs.
        """
        truth = self.contexts_at(tick).true
        return float(sum_secrecy_rate(truth, in_force.allocation, in_force.combining))

    def _build_heard(self, chunk: int) -> FloatArray:
        environment, ticks = self.environment, _ticks_of(chunk)
        return reference_power_w(self.scenario) * eavesdropper_snr_per_w(
            environment.now.link.at(ticks), environment.state.at(ticks), environment.model
        )

    def _reported(self, ticks: slice, link: LinkGeometry) -> Channel:
        """The channel of some ticks as reported, for satellite and ESIMs placed so."""
        state, stations = self.environment.state.at(ticks), self.environment.stations
        silence_db = ~self.known_at(ticks) * _UNHEARD_LOSS_DB
        return reported_channel(
            link,
            replace(
                state,
                eavesdropper_azimuth_deg=stations.reported_azimuth_deg[ticks],
                eavesdropper_distance_m=stations.reported_distance_m[ticks],
                eavesdropper_extra_loss_db=state.eavesdropper_extra_loss_db + silence_db,
            ),
            self.environment.model,
        )

    def _build_contexts(self, chunk: int) -> ContextPair:
        environment, ticks = self.environment, _ticks_of(chunk)
        model, state = environment.model, environment.state.at(ticks)
        on = environment.stations.on[ticks]
        loss_db = state.eavesdropper_extra_loss_db
        link = environment.now.link.at(ticks)
        reported_link = environment.reported.link.at(ticks)
        reported = self._reported(ticks, reported_link)
        true = true_channel(
            link, replace(state, eavesdropper_extra_loss_db=loss_db + ~on * _UNHEARD_LOSS_DB), model
        )
        weights = beamformers(reported, model)

        def seen(channel: Channel, geometry: LinkGeometry) -> RadioContext:
            return context_of(
                channel,
                weights,
                geometry,
                ici_factor=environment.ici_factor[ticks],
                carrier_noise=environment.carrier_noise[ticks],
                power_budget_w=np.full(len(on), self.power_budget_w),
            )

        return ContextPair(true=seen(true, link), estimated=seen(reported, reported_link))


def _not_visible(lowest_deg: float) -> FailedPrecondition:
    return FailedPrecondition(
        f"The satellite stands {lowest_deg:.1f} degrees above an ESIM's horizon; radio "
        f"contexts exist from {MIN_ELEVATION_DEG:g} degrees on, for all ESIMs together.",
        reason="SATELLITE_NOT_VISIBLE",
        elevation_deg=f"{lowest_deg:.1f}",
    )


def _ticks_of(chunk: int) -> slice:
    return slice(chunk * _CHUNK_TICKS, (chunk + 1) * _CHUNK_TICKS)


def _at(context: RadioContext, place: int) -> RadioContext:
    return RadioContext(
        **{item.name: getattr(context, item.name)[place] for item in fields(RadioContext)}
    )
