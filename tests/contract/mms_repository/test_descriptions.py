"""What is said about versions, and how they are found by it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from support.mms_uploads import MODEL, files, publish, upload_of

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.clock import ManualClock
from nf_runtime.errors import Aborted, InvalidArgument, NotFound

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("model")


def at(time: datetime) -> Timestamp:
    """The message of a time."""
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


VALIDITY = model_pb2.Validity(
    valid_from=at(NOON),
    valid_until=at(NOON + timedelta(hours=1)),
    orbit_shells=["leo-600"],
    regions=[
        model_pb2.Region(
            min_latitude_deg=-10,
            max_latitude_deg=10,
            min_longitude_deg=170,
            max_longitude_deg=-170,
        )
    ],
)


async def described(stub: Any, note: str, **said: Any) -> model_pb2.ModelVersion:
    """A version about which this is said."""
    return await publish(stub, upload_of(files(note=note), **said))


async def found(stub: Any, **wanted: Any) -> list[int]:
    """Numbers of the versions that meet a filter."""
    request = pb.SearchModelVersionsRequest(filter=pb.VersionFilter(**wanted))
    response = await stub.SearchModelVersions(request)
    return [version.version for version in response.model_versions]


async def test_all_of_it_comes_back(stub: Any) -> None:
    """Labels, validity, environments, data set; and what the ONNX file takes and gives."""
    said: dict[str, Any] = {
        "labels": {"team": "ntn"},
        "validity": VALIDITY,
        "target_environments": ["tensorrt-sm90", "onnxruntime-cpu"],
        "dataset_sha256": "0f" * 32,
    }
    await described(stub, "a", **said)
    response = await stub.GetModelVersion(pb.GetModelVersionRequest(model_name=MODEL, version=1))
    version = response.model_version
    assert dict(version.labels) == {"team": "ntn"}
    assert version.validity == VALIDITY
    assert list(version.target_environments) == ["onnxruntime-cpu", "tensorrt-sm90"]
    assert version.dataset_sha256 == "0f" * 32
    (taken,), (given,) = version.inputs, version.outputs
    assert (taken.file_name, taken.name, taken.datatype) == ("model.onnx", "x", "FP32")
    assert list(taken.shape) == list(given.shape) == [-1, 4]


def labelling(labels: dict[str, str], **further: Any) -> pb.SetModelVersionLabelsRequest:
    """A change of version 1's labels."""
    return pb.SetModelVersionLabelsRequest(
        model_name=MODEL, version=1, labels=labels, actor="ops", reason="moved", **further
    )


class TestLabelsChange:
    """Marks can be changed after publication; nothing else about a version moves."""

    async def test_they_are_replaced(self, stub: Any) -> None:
        """The new ones are told and found, the old ones are gone, the signed rest is the same."""
        before = await described(stub, "a", labels={"team": "ntn", "site": "lab"})
        request = labelling({"team": "field"}, etag=before.etag)
        after = (await stub.SetModelVersionLabels(request)).model_version
        assert dict(after.labels) == {"team": "field"}
        assert after.etag != before.etag
        assert (after.state, after.manifest) == (before.state, before.manifest)
        read = await stub.GetModelVersion(pb.GetModelVersionRequest(model_name=MODEL, version=1))
        assert read.model_version == after
        assert await found(stub, labels={"team": "field"}) == [1]
        assert await found(stub, labels={"site": "lab"}) == []

    async def test_each_change_is_in_the_history_once(self, stub: Any) -> None:
        """Who, why and the labels from then on, also where none are left; a repetition is none."""
        await described(stub, "a")
        for labels in ({"team": "field"}, {"team": "field"}, {}):
            await stub.SetModelVersionLabels(labelling(labels))
        history = await stub.ListVersionHistory(pb.ListVersionHistoryRequest(model_name=MODEL))
        _, first, last = history.entries
        assert (first.actor, first.reason) == ("ops", "moved")
        assert dict(first.labels.labels) == {"team": "field"}
        assert last.HasField("labels")
        assert not last.labels.labels

    async def test_not_over_a_change_that_was_not_seen(self, stub: Any) -> None:
        """An etag from before another change is refused, and nothing is changed."""
        seen = await described(stub, "a")
        await stub.SetModelVersionLabels(labelling({"team": "field"}))
        with pytest.raises(Aborted) as caught:
            await stub.SetModelVersionLabels(labelling({"team": "lab"}, etag=seen.etag))
        assert caught.value.reason == "ETAG_MISMATCH"
        assert await found(stub, labels={"team": "field"}) == [1]

    async def test_bad_ones_are_refused(self, stub: Any) -> None:
        """By the rules of a publication; a version that does not exist is not found."""
        with pytest.raises(NotFound):
            await stub.SetModelVersionLabels(labelling({}))
        await described(stub, "a")
        with pytest.raises(InvalidArgument) as caught:
            await stub.SetModelVersionLabels(labelling({"Team": "x"}))
        assert caught.value.reason == "INVALID_FIELD"


@pytest.mark.parametrize(
    "said",
    [
        {"labels": {"Team": "x"}},
        {"labels": {f"l{number}": "x" for number in range(33)}},
        {"labels": {"l": "x" * 201}},
        {"validity": {"valid_from": at(NOON), "valid_until": at(NOON)}},
        {"validity": {"valid_from": Timestamp(seconds=10**15)}},
        {"validity": {"orbit_shells": ["leo", "leo"]}},
        {"validity": {"regions": [{"max_latitude_deg": 91}]}},
        {"validity": {"regions": [{"min_longitude_deg": float("nan")}]}},
        {"validity": {"regions": [{"min_latitude_deg": 2, "max_latitude_deg": 1}]}},
        {"target_environments": [""]},
        {"target_environments": [f"e{number}" for number in range(17)]},
        {"dataset_sha256": "short"},
    ],
)
async def test_what_cannot_be_said(stub: Any, said: dict[str, Any]) -> None:
    """Each part has its form and its bound."""
    with pytest.raises(InvalidArgument) as caught:
        await described(stub, "a", **said)
    assert caught.value.reason == "INVALID_FIELD"


async def test_search(stub: Any) -> None:
    """By label, time, shell, place, environment and state; what is not said does not restrict."""
    await described(stub, "1")
    await described(stub, "2", labels={"team": "ntn"}, validity=VALIDITY)
    await described(stub, "3", labels={"team": "core"}, target_environments=["tensorrt-sm90"])
    assert await found(stub) == [3, 2, 1]
    assert await found(stub, labels={"team": "ntn"}) == [2]
    assert await found(stub, valid_at=at(NOON)) == [3, 2, 1]
    assert await found(stub, valid_at=at(NOON + timedelta(hours=1))) == [3, 1]
    assert await found(stub, orbit_shell="leo-600") == [3, 2, 1]
    assert await found(stub, orbit_shell="geo") == [3, 1]
    assert await found(stub, position={"latitude_deg": 5, "longitude_deg": 175}) == [3, 2, 1]
    assert await found(stub, position={"latitude_deg": 5, "longitude_deg": 0}) == [3, 1]
    assert await found(stub, target_environment="onnxruntime-cpu") == [2, 1]
    assert await found(stub, states=[model_pb2.MODEL_VERSION_STATE_TESTED]) == []
    assert await found(stub, model_name="other") == []
    assert await found(stub, labels={"team": "ntn"}, orbit_shell="geo") == []


async def test_search_in_pages(stub: Any) -> None:
    """A version published between two pages shifts nothing; a token is good for its filter."""
    for number in range(4):
        await described(stub, f"{number}", labels={"even": str(number % 2)})
    wanted = pb.VersionFilter(labels={"even": "0"})
    first = await stub.SearchModelVersions(
        pb.SearchModelVersionsRequest(filter=wanted, page_size=1)
    )
    assert [version.version for version in first.model_versions] == [3]
    await described(stub, "late", labels={"even": "0"})
    token = first.next_page_token
    rest = await stub.SearchModelVersions(
        pb.SearchModelVersionsRequest(filter=wanted, page_size=5, page_token=token)
    )
    assert [version.version for version in rest.model_versions] == [1]
    assert rest.next_page_token == ""
    with pytest.raises(InvalidArgument) as caught:
        await stub.SearchModelVersions(pb.SearchModelVersionsRequest(page_token=token))
    assert caught.value.metadata["field"] == "page_token"


@pytest.mark.parametrize(
    "wanted",
    [
        {"states": [99]},
        {"model_name": "../x"},
        {"labels": {"Team": "x"}},
        {"position": {"latitude_deg": 91}},
        {"orbit_shell": "\x00"},
        {"valid_at": Timestamp(seconds=10**15)},
    ],
)
async def test_filter_that_makes_no_sense(stub: Any, wanted: dict[str, Any]) -> None:
    """Each wish has its form."""
    with pytest.raises(InvalidArgument):
        await found(stub, **wanted)


async def test_lineage(stub: Any) -> None:
    """What a version was trained from, to the first one, and what was trained from it."""
    for number, source in enumerate([0, 1, 2, 2]):
        await publish(stub, upload_of(files(note=f"{number}"), source_version=source))
    response = await stub.GetLineage(pb.GetLineageRequest(model_name=MODEL, version=2))
    assert [version.version for version in response.ancestors] == [1]
    assert [version.version for version in response.descendants] == [3, 4]
    response = await stub.GetLineage(pb.GetLineageRequest(model_name=MODEL, version=4))
    assert [version.version for version in response.ancestors] == [2, 1]
    with pytest.raises(NotFound):
        await stub.GetLineage(pb.GetLineageRequest(model_name=MODEL, version=5))


async def test_figures_by_test_set(stub: Any) -> None:
    """Each set has its own; testing on one leaves the figures of another alone."""
    await described(stub, "a")
    for test_set, ratio in (("held-out", 0.9), ("pass", 0.8), ("held-out", 0.95)):
        request = pb.RecordTestResultRequest(
            model_name=MODEL,
            version=1,
            passed=True,
            metrics={"ratio": ratio},
            test_set=test_set,
            actor="oam",
            reason="test",
        )
        version = (await stub.RecordTestResult(request)).model_version
    assert version.kpis["test.held-out/ratio"] == 0.95
    assert version.kpis["test.pass/ratio"] == 0.8


async def test_which_version_was_in_production(stub: Any, clock: ManualClock) -> None:
    """One question, with a time in it."""
    times = []
    for number in (1, 2):
        await described(stub, f"{number}")
        author = {"model_name": MODEL, "version": number, "actor": "oam", "reason": "x"}
        await stub.RecordTestResult(pb.RecordTestResultRequest(passed=True, **author))
        await stub.ApproveModelVersion(pb.ApproveModelVersionRequest(**author))
        await clock.advance(60)
        await stub.SetAlias(pb.SetAliasRequest(alias="champion", **author))
        times.append(clock.now())

    async def champion(time: datetime) -> int:
        request = pb.GetModelVersionRequest(model_name=MODEL, alias="champion", at_time=at(time))
        return int((await stub.GetModelVersion(request)).model_version.version)

    assert await champion(times[0]) == 1
    assert await champion(times[1] - timedelta(seconds=1)) == 1
    assert await champion(times[1]) == 2
    with pytest.raises(NotFound, match="points to no version"):
        await champion(times[0] - timedelta(seconds=1))
