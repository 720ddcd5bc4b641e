"""A consumer of the provisioning service, and the names of what it asks for."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from google.protobuf.json_format import MessageToDict

from aimlnf.oam.v1 import provisioning_service_pb2 as pb
from aimlnf.oam.v1.provisioning_service_pb2_grpc import ProvisioningServiceStub
from nf_runtime.errors import NotFound

ELEMENT = "SubNetwork=aimlnf,ManagedElement=ground-station"
FUNCTION = f"{ELEMENT},AIMLInferenceFunction=inference_nf"
TRAINING = f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingRequest=r1"
TESTING = f"{ELEMENT},MLTestingFunction=mtlf,MLTestingRequest=r1"
LOADING = f"{FUNCTION},MLModelLoadingRequest=r1"
UPDATE = f"{ELEMENT},MLUpdateFunction=oam,MLUpdateRequest=r1"
NAME = "NTN_SECURE_BEAMFORMING"
_INTERVAL_S = 0.03


def model(version: int) -> str:
    """Name of the MLModel object of a version of the fake repository."""
    return f"SubNetwork=aimlnf,MLModelRepository=mms,MLModel={version}"


class Consumer:
    """A consumer of the provisioning service, which speaks of attributes as dicts."""

    def __init__(self, stub: ProvisioningServiceStub) -> None:
        self.stub = stub

    async def create(self, name: str, request_id: str = "", **attributes: Any) -> dict[str, Any]:
        """Attributes of the new object."""
        request = pb.CreateMoiRequest(distinguished_name=name, request_id=request_id)
        request.attributes.update(attributes)
        return attributes_of((await self.stub.CreateMoi(request)).moi)

    async def modify(self, name: str, etag: str = "", **changes: Any) -> dict[str, Any]:
        """Attributes of the object after the change."""
        request = pb.ModifyMoiRequest(distinguished_name=name, etag=etag)
        request.attributes.update(changes)
        return attributes_of((await self.stub.ModifyMoi(request)).moi)

    async def get(self, name: str) -> dict[str, Any]:
        """Attributes of the object."""
        (found,) = await self.select(name, pb.SCOPE_TYPE_BASE_ONLY)
        return attributes_of(found)

    async def select(
        self, base: str, scope: Any = pb.SCOPE_TYPE_BASE_ALL, level: int = 0, filter_: str = ""
    ) -> list[pb.Moi]:
        """Objects of a scope."""
        request = pb.GetMoisRequest(
            base_distinguished_name=base, scope_type=scope, scope_level=level, filter=filter_
        )
        return list((await self.stub.GetMois(request)).mois)

    async def until(
        self, name: str, holds: Callable[[dict[str, Any]], bool], timeout_s: float = 20.0
    ) -> dict[str, Any]:
        """Attributes of the object once they are as wanted."""
        end_s = time.monotonic() + timeout_s
        while True:
            try:
                attributes = await self.get(name)
            except NotFound:
                attributes = {}
            if attributes and holds(attributes):
                return attributes
            if time.monotonic() > end_s:
                raise TimeoutError(f"{name} is still {attributes}")
            await asyncio.sleep(_INTERVAL_S)

    async def ended(self, request: str, status: str = "FINISHED") -> dict[str, Any]:
        """A request once it has that status."""
        return await self.until(request, lambda moi: moi["requestStatus"] == status)


def attributes_of(moi: pb.Moi) -> dict[str, Any]:
    """Attributes as a dict."""
    return dict(MessageToDict(moi.attributes))
