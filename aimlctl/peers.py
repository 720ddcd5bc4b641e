"""Stubs of the functions of a running platform, by the addresses in run.json.

::

    with connected(state_dir) as peers:
        peers.oam.GetLifecycle(request)          # failures are raised as NfError
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import grpc

from aimlctl.run_file import RunFile, read_run_file, run_file_path
from aimlnf.inference.v1.inference_function_service_pb2_grpc import InferenceFunctionServiceStub
from aimlnf.mms.v1.model_repository_service_pb2_grpc import ModelRepositoryServiceStub
from aimlnf.nwdaf.v1.events_subscription_service_pb2_grpc import EventsSubscriptionServiceStub
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from aimlnf.oam.v1.provisioning_service_pb2_grpc import ProvisioningServiceStub
from aimlnf.ransim.v1.radio_service_pb2_grpc import RadioServiceStub
from nf_runtime.client import open_sync_channel
from nf_runtime.config import ClientSettings

DEADLINE_S = 10.0


class Peers:
    """Stubs that connect at their first use."""

    def __init__(self, run: RunFile, *, client: ClientSettings | None = None) -> None:
        self.run = run
        self._client = client or ClientSettings(deadline_s=DEADLINE_S)
        self._channels: list[grpc.Channel] = []

    @cached_property
    def oam(self) -> LifecycleServiceStub:
        """The ML lifecycle."""
        return LifecycleServiceStub(self._channel("oam"))

    @cached_property
    def objects(self) -> ProvisioningServiceStub:
        """Managed objects of the OAM."""
        return ProvisioningServiceStub(self._channel("oam"))

    @cached_property
    def radio(self) -> RadioServiceStub:
        """The simulated radio access network."""
        return RadioServiceStub(self._channel("ran_sim"))

    @cached_property
    def inference(self) -> InferenceFunctionServiceStub:
        """The inference function."""
        return InferenceFunctionServiceStub(self._channel("inference_nf"))

    @cached_property
    def repository(self) -> ModelRepositoryServiceStub:
        """The model repository."""
        return ModelRepositoryServiceStub(self._channel("mms_repository"))

    @cached_property
    def subscriptions(self) -> EventsSubscriptionServiceStub:
        """Event subscriptions of the AnLF."""
        return EventsSubscriptionServiceStub(self._channel("nwdaf.anlf"))

    def close(self) -> None:
        """Closes the channels."""
        for channel in self._channels:
            channel.close()

    def _channel(self, name: str) -> grpc.Channel:
        channel = open_sync_channel(self.run.address_of(name), settings=self._client)
        self._channels.append(channel)
        return channel


@contextmanager
def connected(state_dir: Path) -> Iterator[Peers]:
    """Stubs of the platform that runs in a state directory.

    Raises:
        CommandError: nothing runs there.
    """
    peers = Peers(read_run_file(run_file_path(state_dir)))
    try:
        yield peers
    finally:
        peers.close()
