"""The simulated radio access network over gRPC."""

from collections.abc import AsyncIterator
from datetime import UTC

import grpc
from google.protobuf import duration_pb2

from aimlnf.ransim.v1 import radio_service_pb2 as pb
from aimlnf.ransim.v1 import run_pb2
from aimlnf.ransim.v1.radio_service_pb2_grpc import RadioServiceStub
from nf_runtime.errors import NotFound
from oam.nrm.radio import RadioKpi, RadioRun
from oam.nrm.radio_geometry import Sight
from radio_math.beams import CELL_RADIUS_M

_OVER = (run_pb2.RUN_STATE_FINISHED, run_pb2.RUN_STATE_STOPPED)
_COVERAGE = "adaptive_aperture"  # what an empty `coverage` and `steering` stand for
_STEERING = "earth_fixed"


class GrpcRadio:
    """`oam.nrm.radio.Radio` over gRPC.

    Args:
        channel: To it.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = RadioServiceStub(channel)

    async def run(self) -> RadioRun | None:
        """The run that is flown; None: there is none."""
        try:
            run = (await self._stub.GetRun(pb.GetRunRequest())).run
        except NotFound:
            return None
        if run.state in _OVER:
            return None
        scenario = run.scenario
        beams = scenario.beams
        return RadioRun(
            run_id=run.run_id,
            start_time=run.start_time.ToDatetime(tzinfo=UTC),
            offset_s=run.sim_offset.ToNanoseconds() / 1e9,
            latitude_deg=scenario.latitude_deg,
            longitude_deg=scenario.longitude_deg,
            cell_radius_m=(
                1000 * beams.cell_radius_km if beams.HasField("cell_radius_km") else CELL_RADIUS_M
            ),
            coverage=beams.coverage or _COVERAGE,
            is_earth_fixed=(beams.steering or _STEERING) == _STEERING,
        )

    async def kpis(self, run_id: str, after_s: float) -> AsyncIterator[RadioKpi]:
        """Key figures tick by tick, to the end of the run."""
        after = duration_pb2.Duration()
        after.FromNanoseconds(round(after_s * 1e9))
        request = pb.StreamKpisRequest(run_id=run_id, after_sim_offset=after)
        async for response in self._stub.StreamKpis(request):
            kpi = response.kpi
            yield RadioKpi(
                satellite_id=kpi.satellite_id,
                sight=Sight(
                    kpi.azimuth_deg,
                    kpi.elevation_deg,
                    1000 * kpi.range_km,
                    kpi.sim_offset.ToNanoseconds() / 1e9,
                ),
                beam_ids=[beam.beam_id for beam in kpi.beams],
                sinr_db=[beam.sinr_db for beam in kpi.beams],
            )
