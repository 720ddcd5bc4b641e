"""All peers of the OAM behind one real socket."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from fakes.oam.grpc_inference import FakeInference
from fakes.oam.grpc_repository import APPROVED, FakeRepository
from fakes.oam.grpc_training import FakeAnlf, FakeMtlf

from aimlnf.inference.v1.inference_function_service_pb2_grpc import (
    add_InferenceFunctionServiceServicer_to_server,
)
from aimlnf.mms.v1.model_repository_service_pb2_grpc import (
    add_ModelRepositoryServiceServicer_to_server,
)
from aimlnf.nwdaf.v1.analytics_info_service_pb2_grpc import (
    add_AnalyticsInfoServiceServicer_to_server,
)
from aimlnf.nwdaf.v1.model_training_service_pb2_grpc import (
    add_ModelTrainingServiceServicer_to_server,
)
from nf_runtime.config import ServerSettings
from nf_runtime.server import NfServer


@dataclass
class FakePeers:
    """The peers, and the address that all of them answer at."""

    address: str
    mtlf: FakeMtlf
    anlf: FakeAnlf
    repository: FakeRepository
    inference: FakeInference

    @property
    def effects(self) -> list[str]:
        """Everything that was done at any peer."""
        return [*self.mtlf.effects, *self.repository.effects, *self.inference.effects]

    def put_in_use(self) -> int:
        """The number of a version that is published, approved, champion and active."""
        version = self.repository.publish(state=APPROVED, aliases=("champion",))
        self.inference.loaded.add(version)
        self.inference.active = version
        return version


@asynccontextmanager
async def fake_peers(*, port: int = 0, model_name: str = "gan-gdm") -> AsyncIterator[FakePeers]:
    """The peers, serving until the block ends."""
    repository = FakeRepository(model_name)
    peers = FakePeers(
        address="",
        mtlf=FakeMtlf(repository),
        anlf=FakeAnlf(),
        repository=repository,
        inference=FakeInference(repository),
    )

    def register(server: grpc.aio.Server) -> Sequence[str]:
        add_ModelTrainingServiceServicer_to_server(peers.mtlf, server)
        add_AnalyticsInfoServiceServicer_to_server(peers.anlf, server)
        add_ModelRepositoryServiceServicer_to_server(peers.repository, server)
        add_InferenceFunctionServiceServicer_to_server(peers.inference, server)
        return []

    server = NfServer(
        "peers",
        ServerSettings(port=port, metrics_port=None, drain_s=0.1),
        register=register,
    )
    peers.address = await server.start()
    try:
        yield peers
    finally:
        await server.stop()
