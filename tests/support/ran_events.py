"""Events of the radio access network and of inference, ready but for what a test is about."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from nf_runtime.events.catalogue import (
    BeamMeasurement,
    BeamQualityDegraded,
    Decision,
    DecisionTimings,
    DopplerSinrDrop,
    EavesdropperDetected,
    EsimMeasurement,
    EventData,
    Measurement,
)
from nf_runtime.events.cloud_event import PUBLISHED_AT_HEADER, CloudEvent, Message, encode
from nf_runtime.events.record import RawRecord, Record

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PUBLISHED_AT_NS = 1_772_366_400_000_000_123


def beam_quality(
    *, beam_id: int = 1, satellite_id: str = "25544", sinr_db: float = 2.0
) -> BeamQualityDegraded:
    """A beam's SINR below the network's threshold of 5 dB."""
    return BeamQualityDegraded(
        run_id="run-1",
        satellite_id=satellite_id,
        beam_id=beam_id,
        sim_offset_s=1.0,
        sinr_db=sinr_db,
        threshold_db=5.0,
        hysteresis_db=1.0,
        elevation_deg=60.0,
        esim_ids=["esim-01", "esim-02"],
        cause="rain",
    )


def doppler(
    *, beam_id: int = 1, sinr_loss_db: float = 4.0, satellite_id: str = "25544"
) -> DopplerSinrDrop:
    """A SINR loss above the network's threshold of 3 dB."""
    return DopplerSinrDrop(
        run_id="run-1",
        satellite_id=satellite_id,
        beam_id=beam_id,
        esim_id="esim-03",
        sim_offset_s=2.0,
        sinr_loss_db=sinr_loss_db,
        threshold_db=3.0,
        doppler_hz=-120_000.0,
        doppler_rate_hz_s=-900.0,
        residual_doppler_hz=450.0,
        elevation_deg=40.0,
    )


def eavesdropper(*, beam_id: int = 1, detection_statistic: float = 9.0) -> EavesdropperDetected:
    """A statistic above the detector's threshold of 6."""
    return EavesdropperDetected(
        run_id="run-1",
        satellite_id="25544",
        beam_id=beam_id,
        esim_id="esim-04",
        sim_offset_s=3.0,
        detection_statistic=detection_statistic,
        threshold=6.0,
        bearing_deg=45.0,
        estimated_range_km=7.5,
    )


def esim(
    number: int = 1,
    *,
    beam_id: int = 1,
    sinr_loss_db: float = 0.5,
    detection_statistic: float = 1.0,
) -> EsimMeasurement:
    """What is measured of one ESIM, ``esim-01`` and so on."""
    return EsimMeasurement(
        esim_id=f"esim-{number:02}",
        beam_id=beam_id,
        sinr_db=10.0,
        sinr_loss_db=sinr_loss_db,
        residual_doppler_hz=100.0,
        detection_statistic=detection_statistic,
    )


def measurement(
    *,
    offset_s: float = 0.0,
    sinr_db: tuple[float, ...] = (10.0, 12.0),
    run_id: str = "run-1",
    satellite_id: str = "25544",
    esims: Sequence[EsimMeasurement] = (),
) -> Measurement:
    """A report with one SINR for each beam, counted from 1."""
    return Measurement(
        run_id=run_id,
        satellite_id=satellite_id,
        sim_offset_s=offset_s,
        elevation_deg=50.0 + offset_s,
        azimuth_deg=180.0,
        range_km=800.0,
        doppler_hz=1_000.0 * offset_s,
        doppler_rate_hz_s=-500.0,
        beams=[
            BeamMeasurement(beam_id=number, sinr_db=value, rain_db=0.5 * number)
            for number, value in enumerate(sinr_db, start=1)
        ],
        esims=list(esims),
    )


def decision(
    *,
    decision_id: str = "d-1",
    predicted_bps_hz: float = 11.0,
    before_bps_hz: float = 6.0,
    after_bps_hz: float = 10.0,
    model_version: int = 1,
    model_name: str = "gan-gdm",
    source: str = "model",
) -> Decision:
    """A decision of the model that promised 10 % too much."""
    return Decision(
        decision_id=decision_id,
        notification_id=decision_id,
        trigger_id="t-1",
        trigger_type="org.aimlnf.ran.doppler-sinr-drop.v1",
        run_id="run-1",
        model_name=model_name,
        model_version=model_version,
        engine="onnxruntime",
        source=source,  # type: ignore[arg-type]
        predicted_rate_bps_hz=predicted_bps_hz,
        achieved_before_bps_hz=before_bps_hz,
        achieved_after_bps_hz=after_bps_hz,
        reliability=0.8,
        sim_offset_s=3.0,
        timings=DecisionTimings(
            published_at=PUBLISHED_AT_NS,
            notified_at=PUBLISHED_AT_NS,
            received_at=PUBLISHED_AT_NS,
            context_at=PUBLISHED_AT_NS,
            decided_at=PUBLISHED_AT_NS,
            applied_at=PUBLISHED_AT_NS,
            inference_ms=3.0,
        ),
    )


def event(data: EventData, event_id: str = "1", *, offset_s: float = 0.0) -> CloudEvent[EventData]:
    """The data as an event of the simulator."""
    return CloudEvent(
        id=event_id,
        source="/ran_sim",
        time=START + timedelta(seconds=offset_s),
        data=data,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        published_at_ns=PUBLISHED_AT_NS,
    )


def message(data: EventData, event_id: str, *, key: str = "1", offset_s: float = 0.0) -> Message:
    """The same as a producer sends it."""
    made = encode(event(data, event_id, offset_s=offset_s), key=key)
    stamp = (PUBLISHED_AT_HEADER, str(PUBLISHED_AT_NS).encode())
    return Message(made.topic, made.key, (*made.headers, stamp), made.value)


def record(
    data: EventData | None, event_id: str = "1", *, offset: int = 0, offset_s: float = 0.0
) -> Record:
    """The same as a consumer reads it; None stands for what could not be read."""
    made = None if data is None else event(data, event_id, offset_s=offset_s)
    return Record(
        topic="ran.triggers" if made is None else made.topic,
        partition=0,
        offset=offset,
        event=made,
        raw=RawRecord((), b"1", b"{}"),
    )
