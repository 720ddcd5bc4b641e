"""Follows the simulated radio access network, so that its managed objects tell its real state."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import structlog

from nf_runtime.client import keep_trying, wait_or_stop
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, NfError, Unavailable
from oam.nrm.activation import Situation
from oam.nrm.alarms import CLEARED, clear_alarm
from oam.nrm.names import Name
from oam.nrm.network_events import EAVESDROPPER
from oam.nrm.objects import ObjectStore, Tree
from oam.nrm.radio_geometry import BeamDirection, Sight, beam_directions, position_velocity
from oam.nrm.samples import Samples

log = structlog.get_logger(__name__)

_DIGITS = 5  # of a `satelliteId`


@dataclass(frozen=True)
class RadioRun:
    """A run of the simulator.

    Attributes:
        run_id: Identity.
        start_time: Simulated UTC of its start.
        offset_s: Simulated time since.
        latitude_deg: Centre of the service area.
        longitude_deg: The same, east positive.
        cell_radius_m: Of its cells.
        coverage: How beams cover the cells.
        is_earth_fixed: Whether the beams stay on their cells.
    """

    run_id: str
    start_time: datetime
    offset_s: float
    latitude_deg: float
    longitude_deg: float
    cell_radius_m: float
    coverage: str
    is_earth_fixed: bool


@dataclass(frozen=True)
class RadioKpi:
    """Key figures of one tick."""

    satellite_id: str
    sight: Sight
    beam_ids: Sequence[str]
    sinr_db: Sequence[float]


class Radio(Protocol):
    """The simulator."""

    async def run(self) -> RadioRun | None:
        """The run that is flown; None: there is none."""
        ...

    def kpis(self, run_id: str, after_s: float) -> AsyncIterator[RadioKpi]:
        """Key figures tick by tick, to the end of the run."""
        ...


class RadioFollower:
    """Keeps NTNFunction, EphemerisInfoSet and Beams, and clears alarms that have come to their end.

    Args:
        store: The managed objects.
        radio: The simulator.
        samples: Where its metrics go.
        ntn_function: Name of the NTNFunction object.
        clock: For waiting.
        period_s: How often a run is looked for, and objects are written while one is flown.
        eavesdropper_hold_s: Simulated seconds without a detection after which its alarm is cleared.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        radio: Radio,
        samples: Samples,
        ntn_function: Name,
        clock: Clock,
        period_s: float,
        eavesdropper_hold_s: float,
    ) -> None:
        self._store = store
        self._radio = radio
        self._samples = samples
        self._ntn_function = ntn_function
        self._clock = clock
        self._period_s = period_s
        self._hold_s = eavesdropper_hold_s
        self._situation: Situation | None = None

    async def situation(self) -> Situation:
        """Time and place of the pass that is flown; without one, the wall clock and no place."""
        return self._situation or Situation(self._clock.now())

    async def run(self, stop: asyncio.Event) -> None:
        """Follow one run after the other until `stop` is set."""
        while not stop.is_set():
            await keep_trying(self._follow_one, what="ran_sim", clock=self._clock, stop=stop)
            await wait_or_stop(self._period_s, clock=self._clock, stop=stop)

    async def _follow_one(self) -> bool:
        try:
            run = await self._radio.run()
            if run is None:
                return True
            await self._follow(run)
        except (Unavailable, DeadlineExceeded):
            raise
        except NfError as error:
            log.warning("the radio access network refuses", reason=error.reason, error=str(error))
        finally:
            self._situation = None
        await self._store.transact(partial(self._clear, run_id="", offset_s=0.0))
        return True

    async def _follow(self, run: RadioRun) -> None:
        before: RadioKpi | None = None
        written_s = -float("inf")
        async with aclosing(_closable(self._radio.kpis(run.run_id, run.offset_s))) as kpis:
            async for kpi in kpis:
                now_s = self._clock.monotonic_s()
                for sinr_db in kpi.sinr_db:
                    self._samples.add("SINR_DB_P5", str(self._ntn_function), sinr_db, at_s=now_s)
                self._situation = self._seen(run, kpi)
                same = before is not None and before.satellite_id == kpi.satellite_id
                if before is not None and same and now_s - written_s >= self._period_s:
                    await self._store.transact(
                        partial(self._write, run=run, before=before, kpi=kpi)
                    )
                    written_s = now_s
                before = kpi

    def _seen(self, run: RadioRun, kpi: RadioKpi) -> Situation:
        element = self._element(kpi.satellite_id)
        present = [self._ntn_function, self._ephemeris, element]
        present += [self._beam(element, beam_id) for beam_id in kpi.beam_ids]
        return Situation(
            time=run.start_time + timedelta(seconds=kpi.sight.at_s),
            latitude_deg=run.latitude_deg,
            longitude_deg=run.longitude_deg,
            present=frozenset(str(name) for name in present),
        )

    def _write(self, tree: Tree, *, run: RadioRun, before: RadioKpi, kpi: RadioKpi) -> None:
        site = (run.latitude_deg, run.longitude_deg)
        tree.put(self._ntn_function, {})
        if kpi.satellite_id.isdigit() and len(kpi.satellite_id) <= _DIGITS:
            at_s, state = position_velocity(*site, before.sight, kpi.sight)
            epoch = run.start_time + timedelta(seconds=at_s)
            ephemeris = {
                "satelliteId": kpi.satellite_id.zfill(_DIGITS),
                "epochTime": epoch.isoformat(),
                "positionVelocity": state,
            }
            tree.put(self._ephemeris, {"ephemerisInfos": [ephemeris]})
        if run.is_earth_fixed and kpi.beam_ids:
            directions = beam_directions(
                *site, kpi.sight, cell_radius_m=run.cell_radius_m, coverage=run.coverage
            )
            self._write_beams(tree, kpi, directions)
        self._clear(tree, run_id=run.run_id, offset_s=kpi.sight.at_s)

    def _write_beams(self, tree: Tree, kpi: RadioKpi, directions: Sequence[BeamDirection]) -> None:
        element = self._element(kpi.satellite_id)
        for beam_id in kpi.beam_ids:  # those that are lit; they are counted from 1
            index = int(beam_id)
            name, direction = self._beam(element, beam_id), directions[index - 1]
            for container in _containers(name, below=element.level):
                tree.put(container, {})
            attributes: dict[str, Any] = {
                "beamIndex": index,
                "beamAzimuth": direction.azimuth,
                "beamTilt": direction.tilt,
                "beamHorizWidth": direction.horizontal_width,
                "beamVertWidth": direction.vertical_width,
            }
            tree.put(name, attributes)

    def _clear(self, tree: Tree, *, run_id: str, offset_s: float) -> None:
        """Clear the alarms of eavesdroppers that were not detected for a while, or in this run."""
        root = str(self._ntn_function)
        for alarm_list in tree.of_class("AlarmList"):
            for alarm_id, record in alarm_list.attributes.get("alarmRecords", {}).items():
                told = record.get("additionalInformation", {})
                fresh = (
                    told.get("runId") == run_id
                    and offset_s - told.get("simOffsetS", 0.0) <= self._hold_s
                )
                active = record["perceivedSeverity"] != CLEARED
                if alarm_id.startswith(f"{EAVESDROPPER}/") and active and not fresh:
                    clear_alarm(tree, alarm_id, root, subject="alarm")

    @property
    def _ephemeris(self) -> Name:
        return self._ntn_function.child("EphemerisInfoSet", "1")

    def _element(self, satellite_id: str) -> Name:
        root = Name(self._ntn_function.parts[:1])
        return root.child("ManagedElement", f"satellite-{satellite_id}")

    def _beam(self, element: Name, beam_id: str) -> Name:
        carrier = element.child("GNBDUFunction", "1").child("NRSectorCarrier", "1")
        return carrier.child("CommonBeamformingFunction", "1").child("Beam", beam_id)


def _containers(name: Name, *, below: int) -> list[Name]:
    """What contains the object, from the one at level `below` on."""
    return [Name(name.parts[:depth]) for depth in range(below, name.level)]


async def _closable(kpis: AsyncIterator[RadioKpi]) -> Any:
    async for kpi in kpis:
        yield kpi
