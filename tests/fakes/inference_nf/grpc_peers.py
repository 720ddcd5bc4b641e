# ruff: noqa: N802, D102 - names and signatures are the generated code's
"""The peers of the inference function behind real sockets: repository, radio network, NWDAF.

They outlive any process under test, and remember what it did to them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import numpy as np
from support.kafka_node import free_port
from support.tiny_models import TinyVersion, radio_context

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as mms_pb
from aimlnf.mms.v1 import model_repository_service_pb2_grpc as mms_grpc
from aimlnf.nwdaf.v1 import events_subscription_pb2 as nwdaf_pb
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as nwdaf_service_pb
from aimlnf.nwdaf.v1 import events_subscription_service_pb2_grpc as nwdaf_grpc
from aimlnf.ransim.v1 import radio_pb2
from aimlnf.ransim.v1 import radio_service_pb2 as ran_pb
from aimlnf.ransim.v1 import radio_service_pb2_grpc as ran_grpc
from inference_nf.releases import ModelKey
from nf_runtime.config import ServerSettings
from nf_runtime.errors import FailedPrecondition, NotFound, Unavailable
from nf_runtime.server import NfServer
from nf_runtime.wire import allocation_from_message, fill_context_message

Register = Callable[[grpc.aio.Server], Sequence[str]]


class RepositoryServicer(mms_grpc.ModelRepositoryServiceServicer):
    """Versions that can be resolved and downloaded in chunks of 1 kB."""

    def __init__(self, *versions: TinyVersion) -> None:
        self.versions = {version.key: version for version in versions}
        self.aliases: dict[str, int] = {}
        self.groups: dict[str, list[ModelKey]] = {}
        self.breaks = 0  # so many downloads end after their first chunk
        self.downloads: list[tuple[str, int]] = []
        self.before_chunk: Callable[[str, int], None] | None = None  # given the file and the offset

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        mms_grpc.add_ModelRepositoryServiceServicer_to_server(self, server)
        return ["aimlnf.mms.v1.ModelRepositoryService"]

    async def GetModelVersion(
        self, request: mms_pb.GetModelVersionRequest, context: Any
    ) -> mms_pb.GetModelVersionResponse:
        number = request.version or self.aliases.get(request.alias, 0)
        version = self.versions.get(ModelKey(request.model_name, number))
        if version is None:
            raise NotFound(
                f"model {request.model_name} has no such version; list them first",
                reason="RESOURCE_NOT_FOUND",
                resource=request.model_name,
            )
        return mms_pb.GetModelVersionResponse(model_version=version_message(version))

    async def GetCoordinationGroup(
        self, request: mms_pb.GetCoordinationGroupRequest, context: Any
    ) -> mms_pb.GetCoordinationGroupResponse:
        group = model_pb2.CoordinationGroup(group_name=request.group_name)
        for key in self.groups[request.group_name]:
            group.members.add(model_name=key.name, version=key.version)
        return mms_pb.GetCoordinationGroupResponse(group=group)

    async def DownloadArtifact(
        self, request: mms_pb.DownloadArtifactRequest, context: Any
    ) -> AsyncIterator[mms_pb.DownloadArtifactResponse]:
        self.downloads.append((request.file_name, request.offset_bytes))
        version = self.versions[ModelKey(request.model_name, request.version)]
        content = version.served(request.file_name)
        for offset in range(request.offset_bytes, len(content), 1000):
            if self.before_chunk is not None:
                self.before_chunk(request.file_name, offset)
            yield mms_pb.DownloadArtifactResponse(
                offset_bytes=offset, data=content[offset : offset + 1000]
            )
            if self.breaks > 0:
                self.breaks -= 1
                raise Unavailable("the disk is tired", reason="DRAINING")


class RadioServicer(ran_grpc.RadioServiceServicer):
    """One endless run; every decision takes effect once, whoever repeats it."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()  # ApplyDecision, by decision id
        self.effects: dict[str, str] = {}  # trigger id by decision id
        self.ended = False
        self.before_apply: Callable[[str], None] | None = None  # given the decision id
        self.after_apply: Callable[[str], None] | None = None

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        ran_grpc.add_RadioServiceServicer_to_server(self, server)
        return ["aimlnf.ransim.v1.RadioService"]

    async def GetRadioContext(
        self, request: ran_pb.GetRadioContextRequest, context: Any
    ) -> ran_pb.GetRadioContextResponse:
        if self.ended:
            raise FailedPrecondition("no run is in progress", reason="NO_RUN")
        return ran_pb.GetRadioContextResponse(context=context_message(request.trigger_id))

    async def ApplyDecision(
        self, request: ran_pb.ApplyDecisionRequest, context: Any
    ) -> ran_pb.ApplyDecisionResponse:
        allocation = allocation_from_message(request.allocation, esim_count=10)
        assert np.bincount(allocation.carrier, minlength=4).max() <= 4
        if self.before_apply is not None:
            self.before_apply(request.decision_id)
        self.calls[request.decision_id] += 1
        self.effects.setdefault(request.decision_id, request.trigger_id)
        if self.after_apply is not None:
            self.after_apply(request.decision_id)
        outcome = radio_pb2.Outcome(
            decision_id=request.decision_id,
            context_id=request.context_id,
            run_id="run-1",
            trigger_id=request.trigger_id,
            before_bps_hz=3.0,
            after_bps_hz=5.0,
        )
        outcome.sim_offset.FromMilliseconds(12_600)
        return ran_pb.ApplyDecisionResponse(outcome=outcome)


class SubscriptionServicer(nwdaf_grpc.EventsSubscriptionServiceServicer):
    """Subscriptions by request id; notifications stay until they are acknowledged."""

    def __init__(self) -> None:
        self.by_request: dict[str, str] = {}
        self.subscriptions: dict[str, nwdaf_pb.EventsSubscription] = {}
        self.stored: dict[str, list[nwdaf_pb.Notification]] = {}
        self.acknowledged: dict[str, int] = {}
        self._sequence = 0
        self._news = asyncio.Condition()

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        nwdaf_grpc.add_EventsSubscriptionServiceServicer_to_server(self, server)
        return ["aimlnf.nwdaf.v1.EventsSubscriptionService"]

    async def put(self, subscription_id: str, trigger_id: str) -> None:
        """Store one more notification and wake the streams."""
        self._sequence += 1
        notification = nwdaf_pb.Notification(
            notification_id=f"{subscription_id}/{trigger_id}",
            subscription_id=subscription_id,
            sequence=self._sequence,
            event_notifications=[
                nwdaf_pb.EventNotification(
                    event="VS_NTN_BEAM_QUALITY",
                    trigger_id=trigger_id,
                    trigger_type="org.aimlnf.ran.beam-quality-degraded.v1",
                )
            ],
        )
        notification.publish_time.GetCurrentTime()
        notification.create_time.GetCurrentTime()
        self.stored[subscription_id].append(notification)
        async with self._news:
            self._news.notify_all()

    async def CreateEventsSubscription(
        self, request: nwdaf_service_pb.CreateEventsSubscriptionRequest, context: Any
    ) -> nwdaf_service_pb.CreateEventsSubscriptionResponse:
        known = self.by_request.setdefault(request.request_id, f"s{len(self.by_request) + 1}")
        self.subscriptions[known] = request.subscription
        self.stored.setdefault(known, [])
        response = nwdaf_pb.EventsSubscription(subscription_id=known)
        return nwdaf_service_pb.CreateEventsSubscriptionResponse(subscription=response)

    async def WatchNotifications(
        self, request: nwdaf_service_pb.WatchNotificationsRequest, context: Any
    ) -> AsyncIterator[nwdaf_service_pb.WatchNotificationsResponse]:
        sent = request.after_sequence
        while True:
            if request.subscription_id not in self.stored:
                raise NotFound("gone", reason="RESOURCE_NOT_FOUND", resource="subscription")
            for notification in self.stored[request.subscription_id]:
                if notification.sequence > sent:
                    sent = notification.sequence
                    yield nwdaf_service_pb.WatchNotificationsResponse(notification=notification)
            async with self._news:
                await self._news.wait()

    async def AcknowledgeNotifications(
        self, request: nwdaf_service_pb.AcknowledgeNotificationsRequest, context: Any
    ) -> nwdaf_service_pb.AcknowledgeNotificationsResponse:
        self.acknowledged[request.subscription_id] = request.sequence
        kept = [n for n in self.stored[request.subscription_id] if n.sequence > request.sequence]
        self.stored[request.subscription_id] = kept
        return nwdaf_service_pb.AcknowledgeNotificationsResponse()


class Peer:
    """A servicer on one port; it can go away and come back there."""

    def __init__(self, name: str, register: Register) -> None:
        self._name = name
        self._register = register
        self._server: NfServer | None = None
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        settings = ServerSettings(port=self._port, metrics_port=None, drain_s=0)
        self._server = NfServer(self._name, settings, register=self._register)
        await self._server.start()

    async def stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Peer"]:
        """There until the block ends."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()


def version_message(version: TinyVersion) -> model_pb2.ModelVersion:
    """A version as the repository describes it."""
    release = version.release
    return model_pb2.ModelVersion(
        model_name=release.key.name,
        version=release.key.version,
        state=model_pb2.ModelVersionState.Value(f"MODEL_VERSION_STATE_{release.state}"),
        manifest=model_pb2.Manifest(
            model_name=release.manifest.model_name,
            source_version=release.manifest.source_version,
            artifacts=[
                model_pb2.Artifact(
                    file_name=artifact.file_name,
                    kind=model_pb2.ARTIFACT_KIND_JSON,
                    sha256=artifact.sha256,
                    size_bytes=artifact.size_bytes,
                )
                for artifact in release.manifest.artifacts
            ],
        ),
        signature=model_pb2.Signature(key_id=release.key_id, value=release.signature),
    )


def context_message(trigger_id: str = "t1") -> radio_pb2.RadioContext:
    """A radio context that every decision can be made from."""
    message = radio_pb2.RadioContext(
        context_id=f"context of {trigger_id}",
        run_id="run-1",
        satellite_id="44713",
        esim_ids=[f"esim-{n}" for n in range(10)],
        beam_ids=[str(n) for n in range(8)],
        carrier_quota=4,
    )
    message.sim_offset.FromMilliseconds(12_500)
    fill_context_message(message, radio_context())
    return message
