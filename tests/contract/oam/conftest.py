"""The OAM in process behind a real socket, with fake peers and a broker in memory."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from fakes.memory_broker import MemoryBroker
from fakes.oam.peers import FakePeers, fake_peers
from support.nrm_consumer import Consumer
from support.running_nf import running

from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from aimlnf.oam.v1.provisioning_service_pb2_grpc import ProvisioningServiceStub
from nf_runtime.config import ClientSettings, DatabaseSettings, ServerSettings
from oam.app import serve
from oam.config import CanarySettings, LimitSettings, MonitoringSettings, OamSettings, PeerSettings


@pytest.fixture
async def peers() -> AsyncIterator[FakePeers]:
    """Peers that do what they are asked."""
    async with fake_peers() as running_peers:
        yield running_peers


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker in memory."""
    return MemoryBroker()


@pytest.fixture
def settings(tmp_path: Path, peers: FakePeers) -> OamSettings:
    """Small windows and no cool-down."""
    return OamSettings(
        server=ServerSettings(
            port=0, metrics_port=None, ready_file=tmp_path / "ready.json", drain_s=1.0
        ),
        client=ClientSettings(deadline_s=5.0, attempts=1),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path / 'oam.db'}"),
        peers=PeerSettings(
            nwdaf_anlf=peers.address,
            nwdaf_mtlf=peers.address,
            mms_repository=peers.address,
            inference_nf=peers.address,
            ran_sim=peers.address,
        ),
        canary=CanarySettings(decisions=0),
        monitoring=MonitoringSettings(
            window=6,
            minimum_samples=3,
            fresh_decisions=12,
            latent_reliability=LimitSettings(threshold=0.5, hysteresis=0.05),
            retrain_cool_down_s=0.0,
        ),
    )


@pytest.fixture
async def stub(settings: OamSettings, broker: MemoryBroker) -> AsyncIterator[LifecycleServiceStub]:
    """A client of a running OAM."""
    async with running(partial(serve, settings, broker=broker), settings) as channel:
        yield LifecycleServiceStub(channel)


@pytest.fixture
async def consumer(settings: OamSettings, broker: MemoryBroker) -> AsyncIterator[Consumer]:
    """A consumer of a running OAM."""
    async with running(partial(serve, settings, broker=broker), settings) as channel:
        yield Consumer(ProvisioningServiceStub(channel))
