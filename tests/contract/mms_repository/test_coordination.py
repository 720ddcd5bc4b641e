"""Versions that work together only: approved, promoted and rolled back as one, or not at all."""

from typing import Any

import pytest
from support.mms_uploads import files, publish, upload_of

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound

AUTHOR = {"actor": "oam", "reason": "because"}
GAN, GDM = "gan", "gdm"


@pytest.fixture(autouse=True)
async def _versions(stub: Any) -> None:
    """Two models with two tested versions each."""
    for name in (GAN, GDM):
        model = model_pb2.Model(model_name=name, aiml_inference_name="x")
        await stub.CreateModel(pb.CreateModelRequest(model=model))
        for number in (1, 2):
            await publish(stub, upload_of(files(note=f"{name}{number}"), model_name=name))
            await pass_test(stub, name, number)


async def pass_test(stub: Any, name: str, number: int) -> None:
    """Let a version pass its test."""
    await stub.RecordTestResult(
        pb.RecordTestResultRequest(model_name=name, version=number, passed=True, **AUTHOR)
    )


async def grouped(stub: Any, group_name: str, **members: int) -> model_pb2.CoordinationGroup:
    """The group, made of versions of models."""
    group = model_pb2.CoordinationGroup(
        group_name=group_name,
        members=[
            model_pb2.VersionReference(model_name=name, version=version)
            for name, version in members.items()
        ],
    )
    request = pb.CreateCoordinationGroupRequest(group=group)
    return (await stub.CreateCoordinationGroup(request)).group


async def approve(stub: Any, group_name: str) -> list[int]:
    """States after the approval of a group."""
    response = await stub.ApproveCoordinationGroup(
        pb.ApproveCoordinationGroupRequest(group_name=group_name, **AUTHOR)
    )
    return [version.state for version in response.model_versions]


async def promote(stub: Any, group_name: str) -> list[int]:
    """Champions after the promotion of a group."""
    response = await stub.PromoteCoordinationGroup(
        pb.PromoteCoordinationGroupRequest(group_name=group_name, **AUTHOR)
    )
    return [version.version for version in response.model_versions]


async def roll_back(stub: Any, group_name: str) -> list[int]:
    """Champions after the rollback of a group."""
    response = await stub.RollBackCoordinationGroup(
        pb.RollBackCoordinationGroupRequest(group_name=group_name, **AUTHOR)
    )
    return [version.version for version in response.model_versions]


async def champions(stub: Any) -> list[int]:
    """The champion of each model; 0: none."""
    models = [(await stub.GetModel(pb.GetModelRequest(model_name=n))).model for n in (GAN, GDM)]
    return [model.aliases.get("champion", 0) for model in models]


async def state_of(stub: Any, name: str, number: int) -> int:
    """The state of a version."""
    request = pb.GetModelVersionRequest(model_name=name, version=number)
    return int((await stub.GetModelVersion(request)).model_version.state)


async def history_length(stub: Any) -> int:
    """How many changes there were."""
    lengths = [
        len((await stub.ListVersionHistory(pb.ListVersionHistoryRequest(model_name=n))).entries)
        for n in (GAN, GDM)
    ]
    return sum(lengths)


class TestGroups:
    """Making and finding them."""

    async def test_made_and_found(self, stub: Any) -> None:
        """With its 3GPP name; its members know it."""
        made = await grouped(stub, "pair-1", gan=1, gdm=1)
        assert made.distinguished_name.endswith(",MLModelCoordinationGroup=pair-1")
        found = await stub.GetCoordinationGroup(pb.GetCoordinationGroupRequest(group_name="pair-1"))
        assert found.group == made
        version = await stub.GetModelVersion(pb.GetModelVersionRequest(model_name=GAN, version=1))
        assert version.model_version.coordination_group == "pair-1"

    async def test_listed_in_pages(self, stub: Any) -> None:
        """By name."""
        await grouped(stub, "b", gan=1, gdm=1)
        await grouped(stub, "a", gan=2, gdm=2)
        first = await stub.ListCoordinationGroups(pb.ListCoordinationGroupsRequest(page_size=1))
        rest = await stub.ListCoordinationGroups(
            pb.ListCoordinationGroupsRequest(page_token=first.next_page_token)
        )
        assert [group.group_name for group in (*first.groups, *rest.groups)] == ["a", "b"]

    async def test_same_again(self, stub: Any) -> None:
        """A repeated request changes nothing, a different one is refused."""
        made = await grouped(stub, "pair", gan=1, gdm=1)
        assert await grouped(stub, "pair", gdm=1, gan=1) == made
        with pytest.raises(AlreadyExists):
            await grouped(stub, "pair", gan=2, gdm=1)

    @pytest.mark.parametrize(
        ("members", "error"),
        [
            ({"gan": 1}, InvalidArgument),
            ({"gan": 1, "gdm": 0}, InvalidArgument),
            ({"gan": 1, "gdm": 3}, NotFound),
            ({"gan": 1, "other": 1}, NotFound),
        ],
    )
    async def test_what_is_no_group(
        self, stub: Any, members: dict[str, int], error: type[Exception]
    ) -> None:
        """Two models at least, of versions that exist."""
        with pytest.raises(error):
            await grouped(stub, "pair", **members)

    async def test_model_that_comes_twice(self, stub: Any) -> None:
        """A group has one version of each model."""
        members = [model_pb2.VersionReference(model_name=GAN, version=n) for n in (1, 2)]
        group = model_pb2.CoordinationGroup(group_name="pair", members=members)
        with pytest.raises(InvalidArgument):
            await stub.CreateCoordinationGroup(pb.CreateCoordinationGroupRequest(group=group))

    async def test_one_group_for_each_version(self, stub: Any) -> None:
        """A version works with one set of partners."""
        await grouped(stub, "pair", gan=1, gdm=1)
        with pytest.raises(FailedPrecondition):
            await grouped(stub, "other", gan=1, gdm=2)

    async def test_unknown_group(self, stub: Any) -> None:
        """NOT_FOUND by name."""
        with pytest.raises(NotFound):
            await promote(stub, "nobody")


class TestAsOne:
    """All members, or none."""

    async def test_whole_life(self, stub: Any) -> None:
        """Approved, promoted, replaced by the next group, and rolled back together."""
        for number in (1, 2):
            await grouped(stub, f"pair-{number}", gan=number, gdm=number)
            assert (
                await approve(stub, f"pair-{number}")
                == [model_pb2.MODEL_VERSION_STATE_APPROVED] * 2
            )
            assert await promote(stub, f"pair-{number}") == [number, number]
        assert await roll_back(stub, "pair-2") == [1, 1]
        assert await champions(stub) == [1, 1]

    async def test_one_that_is_not_tested_holds_all(self, stub: Any) -> None:
        """No member is approved, and no change is recorded."""
        await publish(stub, upload_of(files(note="new"), model_name=GDM))
        await grouped(stub, "pair", gan=1, gdm=3)
        before = await history_length(stub)
        with pytest.raises(FailedPrecondition) as caught:
            await approve(stub, "pair")
        assert caught.value.reason == "STATE_FORBIDS"
        assert await state_of(stub, GAN, 1) == model_pb2.MODEL_VERSION_STATE_TESTED
        assert await history_length(stub) == before

    async def test_one_that_is_not_approved_holds_all(self, stub: Any) -> None:
        """No alias moves."""
        await grouped(stub, "pair", gan=1, gdm=1)
        await approve(stub, "pair")
        await stub.RejectModelVersion(
            pb.RejectModelVersionRequest(model_name=GDM, version=1, **AUTHOR)
        )
        with pytest.raises(FailedPrecondition) as caught:
            await promote(stub, "pair")
        assert caught.value.reason == "MODEL_NOT_APPROVED"
        assert await champions(stub) == [0, 0]

    async def test_a_member_does_not_move_alone(self, stub: Any) -> None:
        """Neither approval nor promotion, nor by another version taking its place."""
        await grouped(stub, "pair", gan=1, gdm=1)
        single = {"model_name": GAN, "version": 1, **AUTHOR}
        with pytest.raises(FailedPrecondition, match="coordination group pair"):
            await stub.ApproveModelVersion(pb.ApproveModelVersionRequest(**single))
        await approve(stub, "pair")
        with pytest.raises(FailedPrecondition, match="coordination group pair"):
            await stub.SetAlias(pb.SetAliasRequest(alias="champion", **single))
        await promote(stub, "pair")
        other = {**single, "version": 2}
        await stub.ApproveModelVersion(pb.ApproveModelVersionRequest(**other))
        with pytest.raises(FailedPrecondition, match="coordination group pair"):
            await stub.SetAlias(pb.SetAliasRequest(alias="champion", **other))
        await stub.SetAlias(pb.SetAliasRequest(alias="candidate", **single))
        assert await champions(stub) == [1, 1]

    async def test_first_group_has_no_way_back(self, stub: Any) -> None:
        """There is no previous version; nothing moves."""
        await grouped(stub, "pair", gan=1, gdm=1)
        await approve(stub, "pair")
        await promote(stub, "pair")
        with pytest.raises(FailedPrecondition) as caught:
            await roll_back(stub, "pair")
        assert caught.value.reason == "NO_PREVIOUS_VERSION"
        assert await champions(stub) == [1, 1]

    async def test_rollback_of_what_is_not_in_production(self, stub: Any) -> None:
        """It is refused instead of rolling back somebody else."""
        for number in (1, 2):
            await grouped(stub, f"pair-{number}", gan=number, gdm=number)
            await approve(stub, f"pair-{number}")
            await promote(stub, f"pair-{number}")
        with pytest.raises(FailedPrecondition, match="not in production"):
            await roll_back(stub, "pair-1")
        assert await champions(stub) == [2, 2]

    async def test_no_group_is_left_half(self, stub: Any) -> None:
        """A group that would tear another one apart does not come into production."""
        model = model_pb2.Model(model_name="third", aiml_inference_name="x")
        await stub.CreateModel(pb.CreateModelRequest(model=model))
        await publish(stub, upload_of(files(note="third"), model_name="third"))
        await pass_test(stub, "third", 1)
        await grouped(stub, "pair", gan=1, gdm=1)
        await grouped(stub, "torn", gan=2, third=1)
        for name in ("pair", "torn"):
            await approve(stub, name)
        await promote(stub, "pair")
        with pytest.raises(FailedPrecondition, match="half in production"):
            await promote(stub, "torn")
        assert await champions(stub) == [1, 1]
        assert await promote(stub, "pair") == [1, 1]
