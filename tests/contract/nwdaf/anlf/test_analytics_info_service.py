"""AnalyticsInfoService over a real socket."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import grpc
import pytest
from fakes.memory_broker import MemoryBroker
from google.protobuf.duration_pb2 import Duration
from prometheus_client import start_http_server
from support.pass_samples import kpis
from support.ran_events import START, measurement, message
from support.running_nf import StartNf

from aimlnf.nwdaf.v1 import analytics_info_service_pb2 as info_pb
from aimlnf.nwdaf.v1.analytics_info_service_pb2_grpc import AnalyticsInfoServiceStub
from nf_runtime.errors import FailedPrecondition, InvalidArgument, NotFound
from nf_runtime.events.catalogue import BeamMeasurement, Measurement
from nf_runtime.metrics import new_registry
from nwdaf.anlf.config import AnlfSettings, NfLoadSettings
from nwdaf.message_fields import timestamp_of

TIMEOUT_S = 60.0


@pytest.fixture
def analytics(anlf: grpc.aio.Channel) -> AnalyticsInfoServiceStub:
    """A client of AnalyticsInfoService."""
    return AnalyticsInfoServiceStub(anlf)


async def arrived(stub: AnalyticsInfoServiceStub, offset_s: int) -> None:
    """Return when the sample at `offset_s` is there."""
    request = info_pb.GetAnalyticsRequest(event="QOS_SUSTAINABILITY", window=Duration(nanos=1000))
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            with suppress(NotFound):
                response = await stub.GetAnalytics(request)
                if response.end_time.seconds == START.timestamp() + offset_s:
                    return
            await asyncio.sleep(0.05)


async def test_statistics_of_the_window_that_ends_at_the_latest_sample(
    analytics: AnalyticsInfoServiceStub, memory_broker: MemoryBroker
) -> None:
    """One series for each beam and quantity, over the samples of the window only."""
    for offset_s in range(100):
        memory_broker.append(
            message(
                measurement(offset_s=offset_s, sinr_db=(float(offset_s), 1.0)),
                f"m-{offset_s}",
                offset_s=offset_s,
            )
        )

    await arrived(analytics, 99)
    response = await analytics.GetAnalytics(
        info_pb.GetAnalyticsRequest(event="VS_NTN_BEAM_QUALITY", window=Duration(seconds=10))
    )

    found = {(entry.beam_id, entry.quantity): entry for entry in response.series}
    assert set(found) == {
        (beam_id, quantity)
        for beam_id in ("1", "2")
        for quantity in ("sinr_db", "rain_db", "elevation_deg")
    }
    sinr = found["1", "sinr_db"]
    assert (sinr.minimum, sinr.mean, sinr.p50, sinr.maximum) == (89.0, 94.0, 94.0, 99.0)
    assert sinr.standard_deviation == pytest.approx(10**0.5)
    assert (response.end_time.seconds - response.start_time.seconds) == 10


async def test_beams_can_be_chosen(
    analytics: AnalyticsInfoServiceStub, memory_broker: MemoryBroker
) -> None:
    """Doppler statistics of one beam only."""
    memory_broker.append(message(measurement(), "m-1"))

    await arrived(analytics, 0)
    response = await analytics.GetAnalytics(
        info_pb.GetAnalyticsRequest(event="VS_NTN_DOPPLER_SINR_DROP", beam_ids=["2"])
    )

    assert [(entry.beam_id, entry.quantity) for entry in response.series] == [
        ("2", "doppler_hz"),
        ("2", "elevation_deg"),
    ]


async def test_analytics_without_data_are_not_found(analytics: AnalyticsInfoServiceStub) -> None:
    """UNAVAILABLE_DATA where the standard answers 204."""
    with pytest.raises(NotFound) as raised:
        await analytics.GetAnalytics(info_pb.GetAnalyticsRequest(event="QOS_SUSTAINABILITY"))
    assert raised.value.reason == "UNAVAILABLE_DATA"


@pytest.mark.parametrize(
    ("request_", "field", "cause"),
    [
        (info_pb.GetAnalyticsRequest(), "event", "MANDATORY_QUERY_PARAM_MISSING"),
        (
            info_pb.GetAnalyticsRequest(event="VS_NTN_EAVESDROPPER"),
            "event",
            "MANDATORY_QUERY_PARAM_INCORRECT",
        ),
        (
            info_pb.GetAnalyticsRequest(event="QOS_SUSTAINABILITY", window=Duration(seconds=-1)),
            "window",
            "OPTIONAL_QUERY_PARAM_INCORRECT",
        ),
        (
            info_pb.GetAnalyticsRequest(event="QOS_SUSTAINABILITY", samp_ratio=101),
            "samp_ratio",
            "OPTIONAL_QUERY_PARAM_INCORRECT",
        ),
    ],
)
async def test_bad_parameters_are_refused(
    analytics: AnalyticsInfoServiceStub,
    request_: info_pb.GetAnalyticsRequest,
    field: str,
    cause: str,
) -> None:
    """INVALID_FIELD names the field, and the standard's cause."""
    with pytest.raises(InvalidArgument) as raised:
        await analytics.GetAnalytics(request_)
    assert raised.value.metadata == {"field": field, "cause": cause}


async def test_the_rest_of_a_pass_is_predicted_from_its_orbit(
    analytics: AnalyticsInfoServiceStub, memory_broker: MemoryBroker
) -> None:
    """Two minutes of a real pass: beam quality with confidence, Doppler near what then comes."""
    flown = kpis(duration_s=420.0, disturbances=())
    for number, kpi in enumerate(flown[:120]):
        data = Measurement(
            run_id="run-1",
            satellite_id=kpi.satellite_id,
            sim_offset_s=kpi.sim_offset_s,
            elevation_deg=kpi.elevation_deg,
            azimuth_deg=kpi.azimuth_deg,
            range_km=kpi.range_km,
            doppler_hz=kpi.doppler_hz,
            doppler_rate_hz_s=kpi.doppler_rate_hz_s,
            beams=[
                BeamMeasurement(
                    beam_id=int(beam.beam_id), sinr_db=beam.sinr_db, rain_db=beam.rain_db
                )
                for beam in kpi.beams
                if beam.sinr_db is not None
            ],
        )
        memory_broker.append(message(data, f"m-{number}", offset_s=number))
    await arrived(analytics, 119)

    quality = await analytics.GetAnalytics(
        info_pb.GetAnalyticsRequest(
            event="QOS_SUSTAINABILITY",
            offset_period=Duration(seconds=600),
            supported_features="10",
        )
    )
    doppler = await analytics.GetAnalytics(
        info_pb.GetAnalyticsRequest(
            event="VS_NTN_DOPPLER_SINR_DROP",
            start_ts=timestamp_of(START + timedelta(seconds=180)),
            end_ts=timestamp_of(START + timedelta(seconds=181)),
            beam_ids=["1"],
        )
    )

    assert quality.kind == info_pb.ANALYTICS_KIND_PREDICTION
    assert quality.supported_features == "10"
    assert quality.ana_meta_info.strategy == info_pb.ANALYTICS_STRATEGY_ORBIT
    assert quality.ana_meta_info.num_samples == 8 * 120
    assert quality.ana_meta_info.accuracy != info_pb.ACCURACY_UNSPECIFIED
    # The satellite sets before the ten minutes are over.
    assert quality.end_time.seconds < START.timestamp() + 119 + 600
    sinr = next(series for series in quality.series if series.quantity == "sinr_db")
    assert 0 < sinr.confidence < 100
    assert sinr.p5 < sinr.p50 < sinr.p95
    shift, _ = doppler.series
    assert shift.points[0].value == pytest.approx(flown[180].doppler_hz, abs=3_000)


async def test_a_period_that_straddles_now_is_refused(
    analytics: AnalyticsInfoServiceStub, memory_broker: MemoryBroker
) -> None:
    """Statistics and prediction in one answer are not allowed."""
    memory_broker.append(message(measurement(), "m-1"))
    await arrived(analytics, 0)
    with pytest.raises(InvalidArgument) as raised:
        await analytics.GetAnalytics(
            info_pb.GetAnalyticsRequest(
                event="QOS_SUSTAINABILITY",
                start_ts=timestamp_of(START - timedelta(seconds=9)),
                end_ts=timestamp_of(START + timedelta(seconds=9)),
            )
        )
    assert raised.value.metadata["cause"] == "BOTH_STAT_PRED_NOT_ALLOWED"


async def test_too_little_to_predict_from_is_no_missing_period(
    analytics: AnalyticsInfoServiceStub, memory_broker: MemoryBroker
) -> None:
    """UNAVAILABLE_DATA as FAILED_PRECONDITION, 500 in the standard, not 204."""
    memory_broker.append(message(measurement(), "m-1"))
    await arrived(analytics, 0)
    with pytest.raises(FailedPrecondition) as raised:
        await analytics.GetAnalytics(
            info_pb.GetAnalyticsRequest(
                event="QOS_SUSTAINABILITY", offset_period=Duration(seconds=9)
            )
        )
    assert raised.value.reason == "UNAVAILABLE_DATA"


async def test_the_load_of_functions_is_watched(
    anlf_settings: AnlfSettings, start_anlf: StartNf[AnlfSettings]
) -> None:
    """NF_LOAD of a process that serves its metrics."""
    server, thread = start_http_server(0, "127.0.0.1", registry=new_registry())
    nf_load = NfLoadSettings(
        peers={"oam": f"127.0.0.1:{server.server_port}", "away": "127.0.0.1:1"}, period_s=0.1
    )
    settings = anlf_settings.model_copy(update={"nf_load": nf_load})
    request = info_pb.GetAnalyticsRequest(event="NF_LOAD", supported_features="80")
    try:
        async with start_anlf(settings) as channel, asyncio.timeout(TIMEOUT_S):
            stub = AnalyticsInfoServiceStub(channel)
            while True:
                try:
                    response = await stub.GetAnalytics(request)
                    break
                except NotFound:
                    await asyncio.sleep(0.02)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    cpu, memory = response.series
    assert (cpu.nf_instance_id, cpu.quantity) == ("oam", "cpu_usage_percent")
    assert (memory.nf_instance_id, memory.quantity) == ("oam", "memory_usage_percent")
    assert 0 <= cpu.mean <= 110
    assert 0 < memory.mean < 100
    assert response.supported_features == "80"
