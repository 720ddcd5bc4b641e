"""`aimlctl object` against a running OAM."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fakes.memory_broker import MemoryBroker
from fakes.oam.peers import FakePeers
from structlog.testing import capture_logs
from support.nrm_consumer import ELEMENT, NAME, TRAINING
from support.running_nf import running

from aimlctl.__main__ import run
from aimlctl.run_file import RunFile, RunningProcess, run_file_path, write_run_file
from oam.app import serve
from oam.config import OamSettings

Ctl = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def words(
    settings: OamSettings,
    broker: MemoryBroker,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Callable[..., Awaitable[tuple[int, str]]]]:
    """Status and words of `aimlctl object …`, with an OAM running."""
    async with running(partial(serve, settings, broker=broker), settings):
        assert settings.server.ready_file is not None
        address = json.loads(settings.server.ready_file.read_text())["address"]
        write_run_file(
            run_file_path(tmp_path), RunFile("127.0.0.1:1", {"oam": RunningProcess(1, address, "")})
        )

        async def call(*arguments: str) -> tuple[int, str]:
            with capture_logs():  # the OAM of this process would talk in between
                capsys.readouterr()
                command = ["object", *arguments, "--state-dir", str(tmp_path)]
                status = await asyncio.to_thread(run, command)
                return status, capsys.readouterr().out

        yield call


@pytest.fixture
def ctl(words: Callable[..., Awaitable[tuple[int, str]]]) -> Ctl:
    """Status and JSON document of `aimlctl object … --json`."""

    async def call(*arguments: str) -> tuple[int, Any]:
        status, text = await words(*arguments, "--json")
        return status, json.loads(text)

    return call


async def test_request_is_created_listed_shown_and_cancelled(ctl: Ctl, peers: FakePeers) -> None:
    """Values are JSON where they can be; the attributes are the specification's."""
    peers.mtlf.may_finish.clear()
    required = '[{"performanceMetric": "ratio_to_exhaustive", "performanceScore": 0.5}]'
    status, created = await ctl(
        *("create", TRAINING, "--set", f"aIMLInferenceName={NAME}"),
        *("--set", f"performanceRequirements={required}"),
    )
    assert status == 0
    attributes = created["object"]["attributes"]
    assert attributes["aIMLInferenceName"] == NAME
    assert attributes["performanceRequirements"] == json.loads(required)
    _, listed = await ctl("list", "--class", "MLTrainingRequest", "--base", ELEMENT)
    assert [each["distinguished_name"] for each in listed["objects"]] == [TRAINING]
    _, shown = await ctl("show", TRAINING)
    assert shown["object"]["object_class"] == "MLTrainingRequest"
    _, ended = await ctl("modify", TRAINING, "--set", "cancelRequest=true")
    assert ended["object"]["attributes"]["cancelRequest"] is True
    assert ended["object"]["attributes"]["requestStatus"] in ("CANCELLED", "CANCELLING")


async def test_object_is_changed_and_deleted_under_its_etag(ctl: Ctl, peers: FakePeers) -> None:
    """`--unset` takes an attribute away; an etag that is out of date is refused."""
    peers.put_in_use()
    monitor = f"{ELEMENT},ThresholdMonitor=m"
    info = '[{"performanceMetrics": ["OOD_RATE"], "thresholdDirection": "UP", "thresholdValue": 1}]'
    _, created = await ctl(
        *("create", monitor, "--set", f"thresholdInfoList={info}"),
        *("--set", "monitorGranularityPeriod=60", "--set", f'objectInstances=["{ELEMENT}"]'),
    )
    etag = created["object"]["etag"]
    _, modified = await ctl("modify", monitor, "--unset", "objectInstances", "--etag", etag)
    assert "objectInstances" not in modified["object"]["attributes"]
    status, refused = await ctl("delete", monitor, "--etag", etag)
    assert (status, refused["reason"]) == (1, "ETAG_MISMATCH")
    assert await ctl("delete", monitor) == (0, {"deleted": monitor})
    status, missing = await ctl("show", monitor)
    assert (status, missing["reason"]) == (1, "RESOURCE_NOT_FOUND")


async def test_wrong_words_are_told_in_a_sentence(ctl: Ctl) -> None:
    """Before anything is sent where that can be known."""
    for arguments, words in (
        (("list", "--class", "MLTrainingRequests"), "did you mean MLTrainingRequest?"),
        (("create", TRAINING, "--set", "aIMLInferenceName"), "ATTRIBUTE=VALUE"),
        (("create", TRAINING, "--set", "mLModelRef={x"), "no JSON"),
        (("modify", TRAINING), "--set or --unset"),
        (("create", TRAINING), "aIMLInferenceName"),
    ):
        status, told = await ctl(*arguments)
        assert status == 1
        assert words in told["error"]


async def test_people_read_tables(words: Callable[..., Awaitable[tuple[int, str]]]) -> None:
    """Where objects stand, and what a class offers."""
    _, listed = await words("list", "--class", "AIMLInferenceFunction")
    assert "DEACTIVATED" in listed
    assert "Stands" in listed
    _, shown = await words("show", ELEMENT)
    assert "ground segment" in shown
    _, classes = await words("classes", "--class", "MLTrainingRequest")
    assert "CREATE, MODIFY" in classes
    assert "aIMLInferenceName!" in classes
    assert "(requestStatus)" in classes
