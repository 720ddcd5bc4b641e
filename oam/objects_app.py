"""The part of the OAM that keeps managed objects, put together."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc

from nf_runtime.clock import Clock
from nf_runtime.database import Database
from nf_runtime.events.broker import Broker
from nf_runtime.events.catalogue import MMS_EVENTS, RAN_TRIGGERS
from nf_runtime.events.record import Record
from nf_runtime.metrics import EventMetrics
from oam.adaptations import Adaptation
from oam.adapters.grpc_catalogue import GrpcCatalogue
from oam.adapters.grpc_inference import GrpcInferenceFunction
from oam.adapters.grpc_radio import GrpcRadio
from oam.adapters.grpc_repository import GrpcModelRepository
from oam.adapters.grpc_training import GrpcTrainingFunction
from oam.adapters.kafka_reports import KafkaReports
from oam.adapters.sql_objects import SqlObjectStore
from oam.approvals import ApprovalStep
from oam.config import OamSettings
from oam.nrm.inference_gate import InferenceGate
from oam.nrm.inference_reports import InferenceReports
from oam.nrm.loading_work import LoadingWork
from oam.nrm.mirror import put_functions
from oam.nrm.mirroring import RepositoryMirror
from oam.nrm.names import parse_name
from oam.nrm.network_events import NetworkEvents
from oam.nrm.radio import RadioFollower
from oam.nrm.runner import WorkRunner
from oam.nrm.samples import Samples
from oam.nrm.servicer import ProvisioningServicer
from oam.nrm.testing_work import TestingWork
from oam.nrm.training_work import TrainingWork
from oam.nrm.update_work import UpdateWork
from oam.nrm.watching import Watcher
from oam.nrm.work import Defaults
from oam.ports import LifecycleStore
from oam.procedures import LifecycleProcedures
from oam.rule_procedures import RuleProcedures

PROVISIONING = "provisioning"  # who turns down an update for its consumer

Task = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Peers:
    """Channels to the functions that managed objects stand for."""

    training: GrpcTrainingFunction
    repository: GrpcModelRepository
    repository_channel: grpc.aio.Channel
    inference: GrpcInferenceFunction
    radio: GrpcRadio


class ManagedObjects:
    """What is needed of managed objects before and after the lifecycles' procedures exist.

    Args:
        settings: All of them.
        database: Open, or about to be.
        peers: The functions.
        clock: For everything.
    """

    def __init__(
        self, settings: OamSettings, database: Database, peers: Peers, *, clock: Clock
    ) -> None:
        self._settings = settings
        self._database = database
        self._peers = peers
        self._clock = clock
        self._naming = settings.policy.naming
        self._store = SqlObjectStore(database, clock=clock)
        self._mirror = RepositoryMirror(
            self._store, GrpcCatalogue(peers.repository_channel), clock=clock
        )
        self._ntn_function = parse_name(self._naming.managed_element_name).child("NTNFunction", "1")
        self._samples = Samples(self._naming.inference_function, str(self._ntn_function))
        self._follower = RadioFollower(
            store=self._store,
            radio=peers.radio,
            samples=self._samples,
            ntn_function=self._ntn_function,
            clock=clock,
            period_s=settings.objects.radio_period_s,
            eavesdropper_hold_s=settings.objects.eavesdropper_hold_s,
        )
        self.gate = InferenceGate(
            store=self._store,
            inference=peers.inference,
            function=parse_name(self._naming.inference_function),
            situation=self._follower.situation,
            clock=clock,
            period_s=settings.objects.scope_period_s,
        )
        self.servicer = ProvisioningServicer(self._store)

    async def open(self) -> None:
        """Have the functions' objects; the database is open."""
        await self._store.transact(partial(put_functions, naming=self._naming))

    def tasks(
        self,
        procedures: LifecycleProcedures,
        rules: RuleProcedures,
        lifecycles: LifecycleStore,
        *,
        metrics: EventMetrics,
        broker: Broker | None,
    ) -> list[Task]:
        """What runs as long as the OAM does."""
        events = NetworkEvents(
            self._store,
            refresh=self._mirror.refresh,
            ntn_function=self._ntn_function,
            residual_doppler=self._residual_doppler,
        )
        reader = KafkaReports(
            self._settings.kafka,
            database=self._database,
            take_in=events.take_in,
            clock=self._clock,
            metrics=metrics,
            broker=broker,
            topics=(MMS_EVENTS, RAN_TRIGGERS),
        )
        self._watcher = self._watching(rules)
        return [
            self._watcher.run,
            self._follower.run,
            self._runner(procedures, lifecycles).run,
            self.gate.run,
            self._mirror.run,
            reader.run,
        ]

    def observe(self, record: Record) -> None:
        """Take in a report of inference; `tasks` has been called."""
        if record.event is not None:
            self._watcher.observe(record.event.data)

    def _watching(self, rules: RuleProcedures) -> Watcher:
        return Watcher(
            store=self._store,
            samples=self._samples,
            reports=InferenceReports(parse_name(self._naming.inference_function)),
            retrain=rules.answer_monitor,
            situation=self._follower.situation,
            clock=self._clock,
            policy_period_s=self._settings.objects.policy_period_s,
        )

    def _runner(self, procedures: LifecycleProcedures, lifecycles: LifecycleStore) -> WorkRunner:
        settings, peers, store = self._settings, self._peers, self._store

        async def reject(adaptation_id: str, reason: str) -> Adaptation:
            return await procedures.reject(adaptation_id, actor=PROVISIONING, reason=reason)

        defaults = Defaults(
            model_name=settings.objects.default_model,
            training=settings.training.defaults,
            test=settings.testing.defaults,
            approves_automatically=ApprovalStep.LOAD not in settings.policy.approvals.waits,
        )
        catalogue = GrpcCatalogue(peers.repository_channel)
        return WorkRunner(
            store,
            {
                "MLTrainingProcess": TrainingWork(
                    store, peers.training, peers.repository, catalogue, defaults
                ),
                "MLTestingRequest": TestingWork(store, peers.training, peers.repository, defaults),
                "MLModelLoadingProcess": LoadingWork(
                    store, peers.repository, peers.inference, defaults
                ),
                "MLUpdateProcess": UpdateWork(
                    store=store,
                    adaptations=lifecycles,
                    retrain=procedures.retrain,
                    reject=reject,
                    training=peers.training,
                    clock=self._clock,
                ),
            },
            clock=self._clock,
        )

    def _residual_doppler(self, doppler_hz: float) -> None:
        at_s = self._clock.monotonic_s()
        self._samples.add("DOPPLER_RESIDUAL_HZ", str(self._ntn_function), doppler_hz, at_s=at_s)
