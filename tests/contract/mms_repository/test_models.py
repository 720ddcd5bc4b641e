"""Models, versions, aliases, states and history, as a client sees them."""

from typing import Any

import pytest
from support.mms_uploads import MODEL, files, publish, upload_of

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NfError,
    NotFound,
)

REGISTERED = model_pb2.MODEL_VERSION_STATE_REGISTERED
TESTED = model_pb2.MODEL_VERSION_STATE_TESTED
APPROVED = model_pb2.MODEL_VERSION_STATE_APPROVED
REJECTED = model_pb2.MODEL_VERSION_STATE_REJECTED
ARCHIVED = model_pb2.MODEL_VERSION_STATE_ARCHIVED
AUTHOR = {"actor": "oam", "reason": "because of the test"}


def model_named(name: str, description: str = "") -> pb.CreateModelRequest:
    """A request to create a model."""
    model = model_pb2.Model(
        model_name=name, aiml_inference_name="BEAM_SELECTION", description=description
    )
    return pb.CreateModelRequest(model=model)


async def versions(stub: Any, count: int) -> None:
    """Publish so many versions of the model."""
    for number in range(count):
        await publish(stub, upload_of(files(note=str(number))))


async def record_test(stub: Any, version: int, **fields: Any) -> model_pb2.ModelVersion:
    """Record a passed test."""
    request = pb.RecordTestResultRequest(
        **{"model_name": MODEL, "version": version, "passed": True, **AUTHOR, **fields}
    )
    return (await stub.RecordTestResult(request)).model_version


async def approve(stub: Any, version: int, **fields: Any) -> model_pb2.ModelVersion:
    """Approve a version."""
    request = pb.ApproveModelVersionRequest(
        model_name=MODEL, version=version, **{**AUTHOR, **fields}
    )
    return (await stub.ApproveModelVersion(request)).model_version


async def reject(stub: Any, version: int, **fields: Any) -> model_pb2.ModelVersion:
    """Reject a version."""
    request = pb.RejectModelVersionRequest(
        model_name=MODEL, version=version, **{**AUTHOR, **fields}
    )
    return (await stub.RejectModelVersion(request)).model_version


async def archive(stub: Any, version: int, **fields: Any) -> model_pb2.ModelVersion:
    """Archive a version."""
    request = pb.ArchiveModelVersionRequest(
        model_name=MODEL, version=version, **{**AUTHOR, **fields}
    )
    return (await stub.ArchiveModelVersion(request)).model_version


async def point(stub: Any, alias: str, version: int) -> dict[str, int]:
    """The model's aliases after moving one."""
    request = pb.SetAliasRequest(model_name=MODEL, alias=alias, version=version, **AUTHOR)
    return dict((await stub.SetAlias(request)).model.aliases)


async def get(stub: Any, **selector: Any) -> model_pb2.ModelVersion:
    """One version."""
    request = pb.GetModelVersionRequest(model_name=MODEL, **selector)
    return (await stub.GetModelVersion(request)).model_version


class TestModels:
    """Creating and finding models."""

    async def test_created_model_is_found(self, stub: Any) -> None:
        """What was created comes back, with a time, without versions."""
        created = (await stub.CreateModel(model_named("m-1", "One sentence."))).model
        found = (await stub.GetModel(pb.GetModelRequest(model_name="m-1"))).model
        assert found == created
        assert (found.description, found.latest_version) == ("One sentence.", 0)
        assert found.HasField("create_time")

    async def test_creating_the_same_again_changes_nothing(self, stub: Any) -> None:
        """A repeated request is answered with the existing model."""
        first = await stub.CreateModel(model_named("m"))
        assert await stub.CreateModel(model_named("m")) == first

    async def test_creating_a_different_one_is_refused(self, stub: Any) -> None:
        """A name stands for one model."""
        await stub.CreateModel(model_named("m"))
        with pytest.raises(AlreadyExists) as caught:
            await stub.CreateModel(model_named("m", "another"))
        assert caught.value.reason == "RESOURCE_EXISTS"

    @pytest.mark.parametrize("name", ["", "A", "a/b", "..", "a b", "-a", "a" * 64, "ä", "a\n"])
    async def test_name_that_is_not_allowed(self, stub: Any, name: str) -> None:
        """Names are lower-case letters, digits and hyphens."""
        with pytest.raises(InvalidArgument) as caught:
            await stub.CreateModel(model_named(name))
        assert caught.value.metadata["field"] == "model_name"

    async def test_unknown_model(self, stub: Any) -> None:
        """A model that does not exist is NOT_FOUND by name."""
        with pytest.raises(NotFound) as caught:
            await stub.GetModel(pb.GetModelRequest(model_name="unknown"))
        assert caught.value.reason == "RESOURCE_NOT_FOUND"
        assert caught.value.metadata["resource"] == "unknown"

    async def test_unique_ids_differ_between_models(self, stub: Any) -> None:
        """`modelUniqueId` counts over all models, versions within each."""
        identities = []
        for name in ("a", "b", "a"):
            await stub.CreateModel(model_named(name))
            version = await publish(stub, upload_of(files(), model_name=name))
            identities.append((name, version.version, version.model_unique_id))
        assert identities == [("a", 1, 1), ("b", 1, 2), ("a", 2, 3)]


class TestPages:
    """Lists come in pages."""

    async def test_models_by_name(self, stub: Any) -> None:
        """Every model once, in the order of names, whatever the page size."""
        for name in ("b", "a-1", "c", "a"):
            await stub.CreateModel(model_named(name))
        names, token = [], ""
        while True:
            request = pb.ListModelsRequest(page_size=3, page_token=token)
            page = await stub.ListModels(request)
            names += [model.model_name for model in page.models]
            token = page.next_page_token
            if not token:
                break
        assert names == ["a", "a-1", "b", "c"]

    async def test_versions_newest_first(self, stub: Any, model: str) -> None:
        """A version published between two pages shifts nothing."""
        await versions(stub, 3)
        request = pb.ListModelVersionsRequest(model_name=model, page_size=2)
        first = await stub.ListModelVersions(request)
        await versions(stub, 1)
        request.page_token = first.next_page_token
        second = await stub.ListModelVersions(request)
        assert [v.version for v in first.model_versions] == [3, 2]
        assert [v.version for v in second.model_versions] == [1]
        assert not second.next_page_token
        assert all(v.manifest.artifacts and v.kpis for v in first.model_versions)

    @pytest.mark.parametrize("token", ["x", "AAAA", "WyJtb2RlbHMiLCAiYSJd", "ä", "=" * 1000])
    async def test_foreign_token(self, stub: Any, model: str, token: str) -> None:
        """A token that is none, or of another list, is refused by name."""
        with pytest.raises(InvalidArgument) as caught:
            await stub.ListModelVersions(
                pb.ListModelVersionsRequest(model_name=model, page_token=token)
            )
        assert caught.value.metadata["field"] == "page_token"

    async def test_negative_page_size(self, stub: Any) -> None:
        """A page has no negative size."""
        with pytest.raises(InvalidArgument):
            await stub.ListModels(pb.ListModelsRequest(page_size=-1))


class TestStates:
    """The life of a version."""

    @pytest.fixture(autouse=True)
    async def _version(self, stub: Any, model: str) -> None:
        """Version 1 exists."""
        await versions(stub, 1)

    async def test_tested_approved_archived(self, stub: Any) -> None:
        """The good life, one step at a time; each step changes the etag."""
        seen = [await get(stub, version=1)]
        seen.append(await record_test(stub, 1, metrics={"ratio": 0.93}))
        seen.append(await approve(stub, 1))
        seen.append(await archive(stub, 1))
        assert [v.state for v in seen] == [REGISTERED, TESTED, APPROVED, ARCHIVED]
        assert len({v.etag for v in seen}) == 4
        assert seen[-1] == await get(stub, version=1)

    async def test_figures_of_a_test_join_those_of_training(self, stub: Any) -> None:
        """They stand under `test.`; a second test replaces its own figures."""
        await record_test(stub, 1, metrics={"ratio": 0.93, "outage": 0.1})
        version = await record_test(stub, 1, metrics={"ratio": 0.94})
        assert version.kpis == {
            "ratio_to_exhaustive": 0.9,
            "test.ratio": 0.94,
            "test.outage": 0.1,
        }

    async def test_failed_test_rejects_and_a_passed_one_redeems(self, stub: Any) -> None:
        """A rejected version may be tested again."""
        assert (await record_test(stub, 1, passed=False)).state == REJECTED
        assert (await record_test(stub, 1)).state == TESTED

    async def test_untested_cannot_be_approved(self, stub: Any) -> None:
        """The error names the state and the wanted one."""
        with pytest.raises(FailedPrecondition) as caught:
            await approve(stub, 1)
        assert caught.value.reason == "STATE_FORBIDS"
        assert caught.value.metadata == {"state": "REGISTERED", "wanted": "APPROVED"}

    async def test_etag_guards_each_verb(self, stub: Any) -> None:
        """With an old etag nothing happens; with the current one it does."""
        old = await get(stub, version=1)
        current = await record_test(stub, 1, etag=old.etag)
        for verb in (record_test, approve, reject, archive):
            with pytest.raises(Aborted) as caught:
                await verb(stub, 1, etag=old.etag)
            assert caught.value.reason == "ETAG_MISMATCH"
        assert (await approve(stub, 1, etag=current.etag)).state == APPROVED

    @pytest.mark.parametrize("field", ["actor", "reason"])
    @pytest.mark.parametrize("value", ["", " ", "x" * 3000, "a\x00b"])
    async def test_nothing_happens_without_author(self, stub: Any, field: str, value: str) -> None:
        """Who and why are part of every change."""
        with pytest.raises(InvalidArgument) as caught:
            await record_test(stub, 1, **{field: value})
        assert caught.value.metadata["field"] == field

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    async def test_figures_are_finite(self, stub: Any, value: float) -> None:
        """A test that yields no number yields no figure."""
        with pytest.raises(InvalidArgument) as caught:
            await record_test(stub, 1, metrics={"ratio": value})
        assert caught.value.metadata["field"] == "kpis"

    @pytest.mark.parametrize("version", [2, 0, -1])
    async def test_version_that_does_not_exist(self, stub: Any, version: int) -> None:
        """Verbs on unknown versions say so."""
        error = NotFound if version > 0 else InvalidArgument
        for verb in (record_test, approve, reject, archive):
            with pytest.raises(error):
                await verb(stub, version)


class TestAliases:
    """Names that move."""

    @pytest.fixture(autouse=True)
    async def _versions(self, stub: Any, model: str) -> None:
        """Versions 1 and 2 are approved, version 3 is registered."""
        await versions(stub, 3)
        for version in (1, 2):
            await record_test(stub, version)
            await approve(stub, version)

    async def test_champion_moves_previous(self, stub: Any) -> None:
        """The first champion has no previous; rolling back swaps the two."""
        assert await point(stub, "champion", 1) == {"champion": 1}
        assert await point(stub, "champion", 2) == {"champion": 2, "previous": 1}
        assert await point(stub, "champion", 1) == {"champion": 1, "previous": 2}

    async def test_same_champion_again_changes_nothing(self, stub: Any) -> None:
        """A repeated request must not lose the way back."""
        await point(stub, "champion", 1)
        await point(stub, "champion", 2)
        assert await point(stub, "champion", 2) == {"champion": 2, "previous": 1}

    async def test_champion_must_be_approved(self, stub: Any) -> None:
        """An untested version never becomes champion, but may be candidate."""
        with pytest.raises(FailedPrecondition) as caught:
            await point(stub, "champion", 3)
        assert caught.value.reason == "MODEL_NOT_APPROVED"
        assert await point(stub, "candidate", 3) == {"candidate": 3}

    async def test_version_by_alias(self, stub: Any) -> None:
        """An alias resolves to the version, which knows its aliases."""
        await point(stub, "champion", 1)
        await point(stub, "blue", 1)
        version = await get(stub, alias="champion")
        assert (version.version, version.aliases) == (1, ["blue", "champion"])

    async def test_unknown_alias(self, stub: Any) -> None:
        """An alias that points nowhere is NOT_FOUND."""
        with pytest.raises(NotFound) as caught:
            await get(stub, alias="previous")
        assert caught.value.metadata["resource"] == "gan-gdm@previous"

    async def test_selector_is_needed(self, stub: Any) -> None:
        """Neither number nor alias is no request."""
        with pytest.raises(InvalidArgument):
            await get(stub)

    @pytest.mark.parametrize("alias", ["", "7", "A", "a/b", "a" * 64])
    async def test_alias_that_is_not_allowed(self, stub: Any, alias: str) -> None:
        """Aliases begin with a letter."""
        with pytest.raises(InvalidArgument) as caught:
            await point(stub, alias, 1)
        assert caught.value.metadata["field"] == "alias"

    async def test_champion_is_neither_rejected_nor_archived(self, stub: Any) -> None:
        """What serves cannot be taken away under the operator's feet."""
        await point(stub, "champion", 1)
        for verb in (reject, archive):
            with pytest.raises(FailedPrecondition) as caught:
                await verb(stub, 1)
            assert caught.value.metadata["alias"] == "champion"

    async def test_version_with_alias_is_not_archived(self, stub: Any) -> None:
        """Any alias keeps a version from the archive, and an archived one gets none."""
        await point(stub, "candidate", 3)
        with pytest.raises(FailedPrecondition):
            await archive(stub, 3)
        await point(stub, "candidate", 2)
        assert (await archive(stub, 3)).state == ARCHIVED
        with pytest.raises(FailedPrecondition) as caught:
            await point(stub, "candidate", 3)
        assert caught.value.reason == "STATE_FORBIDS"


class TestHistory:
    """Who did what, when and why."""

    @pytest.fixture(autouse=True)
    async def _life(self, stub: Any, model: str) -> None:
        """Two versions, the second one takes over from the first."""
        await versions(stub, 2)
        for version in (1, 2):
            await record_test(stub, version)
            await approve(stub, version)
            await point(stub, "champion", version)

    async def history(self, stub: Any, **fields: Any) -> list[tuple[Any, ...]]:
        """Version, states and alias of each entry, over pages of three."""
        found, token = [], ""
        while True:
            request = pb.ListVersionHistoryRequest(
                model_name=MODEL, page_size=3, page_token=token, **fields
            )
            page = await stub.ListVersionHistory(request)
            found += [(e.version, e.from_state, e.to_state, e.alias) for e in page.entries]
            token = page.next_page_token
            if not token:
                return found

    async def test_whole_history(self, stub: Any) -> None:
        """Every change of state and alias once, oldest first."""
        assert await self.history(stub) == [
            (1, 0, REGISTERED, ""),
            (2, 0, REGISTERED, ""),
            (1, REGISTERED, TESTED, ""),
            (1, TESTED, APPROVED, ""),
            (1, 0, 0, "champion"),
            (2, REGISTERED, TESTED, ""),
            (2, TESTED, APPROVED, ""),
            (2, 0, 0, "champion"),
            (1, 0, 0, "previous"),
        ]

    async def test_history_of_one_version(self, stub: Any) -> None:
        """Only what happened to it."""
        assert await self.history(stub, version=2) == [
            (2, 0, REGISTERED, ""),
            (2, REGISTERED, TESTED, ""),
            (2, TESTED, APPROVED, ""),
            (2, 0, 0, "champion"),
        ]

    async def test_entries_have_author_and_time(self, stub: Any) -> None:
        """The publication names the trainer, the rest the operator."""
        page = await stub.ListVersionHistory(pb.ListVersionHistoryRequest(model_name=MODEL))
        first, last = page.entries[0], page.entries[-1]
        assert (first.actor, first.reason) == ("nwdaf.mtlf", "initial training")
        assert (last.actor, last.reason) == ("oam", "because of the test")
        assert all(entry.change_time.ToDatetime().year == 2026 for entry in page.entries)

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"model_name": "unknown"}, NotFound),
            ({"version": 3}, NotFound),
            ({"version": -1}, InvalidArgument),
        ],
    )
    async def test_history_of_what_does_not_exist(
        self, stub: Any, fields: dict[str, Any], error: type[NfError]
    ) -> None:
        """No history of an unknown thing."""
        with pytest.raises(error):
            await stub.ListVersionHistory(
                pb.ListVersionHistoryRequest(**{"model_name": MODEL, **fields})
            )
