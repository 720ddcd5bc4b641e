"""The simulator's objects tell what the real simulator's orbit and cells are."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fakes.memory_broker import MemoryBroker
from fakes.oam.memory_tree import ELEMENT, ROOT, MemoryObjectStore
from google.protobuf.duration_pb2 import Duration
from support.passes import element_set, pass_scenario
from support.ran_events import eavesdropper
from support.running_nf import running
from support.waiting import until

from aimlnf.ransim.v1 import radio_service_pb2 as wire
from aimlnf.ransim.v1 import run_pb2
from aimlnf.ransim.v1.radio_service_pb2_grpc import RadioServiceStub
from nf_runtime.clock import SystemClock
from nf_runtime.config import DatabaseSettings, ServerSettings
from oam.adapters.grpc_radio import GrpcRadio
from oam.nrm.alarms import raise_alarm
from oam.nrm.names import parse_name
from oam.nrm.network_events import NetworkEvents
from oam.nrm.objects import existing
from oam.nrm.radio import RadioFollower
from oam.nrm.samples import Samples
from ran_sim.app import serve
from ran_sim.cells import service_area
from ran_sim.config import RanSimSettings
from ran_sim.orbit.broadcast import StateVectorEphemeris
from ran_sim.orbit.geodesy import local_axes
from ran_sim.orbit.propagation import Propagator
from ran_sim.scenario_messages import scenario_to_message

NTN = parse_name(f"{ELEMENT},NTNFunction=1")
BEAMS = (
    f"{ROOT},ManagedElement=satellite-48112,GNBDUFunction=1,NRSectorCarrier=1,"
    "CommonBeamformingFunction=1"
)
EPOCH_ERROR_STEPS = 3  # of 1.3 m: half a second of curvature is 1 m; angles come as doubles
BEAM_ERROR_TENTHS = 2  # of a degree: rounding, and the cells' layout on the ellipsoid


@pytest.fixture
async def stub(tmp_path: Path) -> AsyncIterator[RadioServiceStub]:
    """A running simulator."""
    settings = RanSimSettings(
        server=ServerSettings(metrics_port=None, ready_file=tmp_path / "ready.json", drain_s=1.0),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'ran_sim.db'}"),
    )
    async with running(partial(serve, settings, broker=MemoryBroker()), settings) as channel:
        stub = RadioServiceStub(channel)
        stub.channel = channel  # type: ignore[attr-defined]
        yield stub


async def test_objects_follow_a_pass(stub: RadioServiceStub) -> None:
    """Ephemeris, beams, place and alarms of a run; nothing is present once it is over."""
    store = MemoryObjectStore()
    tree = store.tree
    follower = RadioFollower(
        store=store,
        radio=GrpcRadio(stub.channel),  # type: ignore[attr-defined]
        samples=(samples := Samples("f", str(NTN))),
        ntn_function=NTN,
        clock=SystemClock(),
        period_s=0.05,
        eavesdropper_hold_s=120.0,
    )
    events = NetworkEvents(
        None,  # type: ignore[arg-type]  # the inbox is not asked
        refresh=None,  # type: ignore[arg-type]
        ntn_function=NTN,
        residual_doppler=lambda _: None,
    )
    raise_alarm(tree, events.condition(eavesdropper()), subject="alarm")  # of another run
    stop = asyncio.Event()
    following = asyncio.create_task(follower.run(stop))
    started = await stub.StartRun(
        wire.StartRunRequest(
            scenario=scenario_to_message(pass_scenario(disturbances=())),
            pace=run_pb2.PACE_SCALED,
            speed_factor=20.0,
            pause_at=Duration(seconds=20),
        )
    )
    await until(lambda: tree.find(f"{BEAMS},Beam=8") is not None, what="the beams")
    run = started.run
    (ephemeris,) = existing(tree, f"{NTN},EphemerisInfoSet=1").attributes["ephemerisInfos"]
    assert ephemeris["satelliteId"] == "48112"
    at_s = _seconds(run, ephemeris["epochTime"])
    wanted = Propagator(element_set()).ephemeris(run.start_time.ToDatetime(tzinfo=_UTC), [at_s])
    state = StateVectorEphemeris.of_state(wanted.position_m[0], wanted.velocity_m_s[0])
    told = ephemeris["positionVelocity"]
    assert [told[f"position{axis}"] for axis in "XYZ"] == pytest.approx(
        state.position, abs=EPOCH_ERROR_STEPS
    )
    assert [told[f"velocityV{axis}"] for axis in "XYZ"] == pytest.approx(state.velocity, abs=1)
    _check_beams(store, wanted.position_m[0])
    situation = await follower.situation()
    assert (situation.latitude_deg, situation.longitude_deg) == (48.1, 11.6)
    assert f"{BEAMS},Beam=1" in situation.present
    alarms = existing(tree, f"{ROOT},AlarmList=1").attributes["alarmRecords"]
    assert [each["perceivedSeverity"] for each in alarms.values()] == ["CLEARED"]
    assert samples.over("SINR_DB_P5", [], from_s=0.0, to_s=float("inf")) is not None
    await stub.StopRun(wire.StopRunRequest(run_id=run.run_id))

    async def gone() -> bool:
        return not (await follower.situation()).present

    async with asyncio.timeout(10):
        while not await gone():  # noqa: ASYNC110 - a follower has no event for it
            await asyncio.sleep(0.02)
    stop.set()
    await following


def _check_beams(store: MemoryObjectStore, satellite_m: "np.typing.NDArray[np.float64]") -> None:
    """Azimuth and tilt of each beam point at the centre of the simulator's own cell."""
    area = service_area(48.1, 11.6)
    latitude = np.degrees(np.arctan2(satellite_m[2], np.hypot(satellite_m[0], satellite_m[1])))
    longitude = np.degrees(np.arctan2(satellite_m[1], satellite_m[0]))
    east, north, up = local_axes(latitude, longitude)
    for cell in range(8):
        told = existing(store.tree, f"{BEAMS},Beam={cell + 1}").attributes
        line = area.centre_m[cell] - satellite_m
        tilt = np.degrees(np.arcsin(-np.dot(line, up) / np.linalg.norm(line)))
        azimuth = np.degrees(np.arctan2(np.dot(line, east), np.dot(line, north)))
        moved = 10 * np.degrees(7600.0 * 0.6 / np.linalg.norm(line))  # since the ephemeris' epoch
        assert told["beamTilt"] == pytest.approx(10 * tilt, abs=BEAM_ERROR_TENTHS + moved)
        turned = (told["beamAzimuth"] - 10 * azimuth + 1800) % 3600 - 1800
        slack = (BEAM_ERROR_TENTHS + moved) / max(np.cos(np.radians(tilt)), 0.05)
        assert abs(turned) <= slack
        assert 0 < told["beamVertWidth"] <= told["beamHorizWidth"] < 320  # a cell of 300 km


def _seconds(run: run_pb2.Run, time: str) -> float:
    return (datetime.fromisoformat(time) - run.start_time.ToDatetime(tzinfo=_UTC)).total_seconds()


_UTC = datetime.fromisoformat("2026-01-01T00:00:00+00:00").tzinfo
