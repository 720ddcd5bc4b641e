"""Protocol messages as JSON documents."""

import json

import pytest

from aimlctl.documents import document_of, duration_of, enum_word, seconds_of
from aimlnf.inference.v1 import inference_pb2
from aimlnf.mms.v1 import model_pb2
from aimlnf.nwdaf.v1 import events_subscription_pb2, model_training_service_pb2
from aimlnf.ransim.v1 import radio_pb2


def test_enum_value_loses_its_prefix() -> None:
    """States read as APPROVED, not as MODEL_VERSION_STATE_APPROVED."""
    version = model_pb2.ModelVersion(state=model_pb2.MODEL_VERSION_STATE_APPROVED)
    assert document_of(version)["state"] == "APPROVED"


def test_enum_value_of_a_newer_peer_is_its_number() -> None:
    """A value that this version does not know is told by its number."""
    assert enum_word(model_pb2.ModelVersionState.DESCRIPTOR, 77) == "77"


def test_integers_stay_numbers_and_bytes_become_hexadecimal() -> None:
    """64-bit integers are JSON numbers; bytes are hexadecimal."""
    version = model_pb2.ModelVersion(model_unique_id=2**40)
    version.signature.value = b"\x01\xff"
    document = document_of(version)
    assert document["model_unique_id"] == 2**40
    assert document["signature"]["value"] == "01ff"
    json.dumps(document)


def test_durations_and_times_say_their_unit() -> None:
    """A duration is a number of seconds under a name in _s; a time is RFC 3339 in UTC."""
    report = inference_pb2.InferenceReport(trigger_to_applied=duration_of(0.0125))
    report.apply_time.FromJsonString("2026-11-21T06:00:00Z")
    document = document_of(report)
    assert document["trigger_to_applied_s"] == pytest.approx(0.0125)
    assert document["apply_time"] == "2026-11-21T06:00:00Z"


def test_unset_messages_are_left_out() -> None:
    """A message that is not set and an optional field that is not set are no keys."""
    document = document_of(events_subscription_pb2.EventSubscription(event="BEAM_QUALITY"))
    assert "threshold" not in document
    assert "repetition_period_s" not in document
    assert document["event"] == "BEAM_QUALITY"
    assert document["beam_ids"] == []


def test_maps_keep_their_keys() -> None:
    """A map becomes an object."""
    job = model_training_service_pb2.TrainingJob(metrics={"ratio_to_exhaustive": 0.95})
    assert document_of(job)["metrics"] == {"ratio_to_exhaustive": 0.95}


def test_tensors_stay_away() -> None:
    """Raw tensors are for programs that speak gRPC, not for JSON."""
    context = radio_pb2.RadioContext(context_id="c")
    context.gain_per_w.raw = b"1234"
    assert "gain_per_w" not in document_of(context)


@pytest.mark.parametrize("seconds", [0.0, 0.25, 300.0, 1e-6])
def test_seconds_survive_the_way_there_and_back(seconds: float) -> None:
    """A duration made of seconds has those seconds."""
    assert seconds_of(duration_of(seconds)) == pytest.approx(seconds)
