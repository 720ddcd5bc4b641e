# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""The Open Inference Protocol over gRPC: `inference.GRPCInferenceService`.

It runs any loaded version as the graph it is: noise inputs are the caller's to draw, nothing is
applied, and no reports are made. An empty version means the one that decides, else the newest.
Triton's repository extension loads and frees versions; it never changes which of them decides.
"""

from importlib.metadata import version as package_version
from typing import Any
from weakref import WeakKeyDictionary

from aimlnf.inference.oip import open_inference_pb2 as pb
from aimlnf.inference.oip import open_inference_pb2_grpc
from inference_nf.deciding import Deciding
from inference_nf.loading import Models
from inference_nf.model_card import TensorSpec
from inference_nf.oip_repository import index_of, versions_wanted
from inference_nf.ports import Engine
from inference_nf.preparing import ServingModel
from inference_nf.protocol_signature import ProtocolSignature
from inference_nf.protocol_tensors import datatype_of, shape_of
from inference_nf.servicer import deadline_of
from nf_runtime.clock import Clock
from nf_runtime.errors import InvalidArgument, NotFound

_PLATFORMS = {"onnxruntime": "onnxruntime_onnx", "tensorrt": "tensorrt_plan"}


class OpenInferenceServicer(open_inference_pb2_grpc.GRPCInferenceServiceServicer):
    """See the service's proto file.

    Args:
        models: What is in memory.
        deciding: Runs engines.
        clock: For deadlines.
        max_batch: Most contexts in one call.
    """

    def __init__(self, *, models: Models, deciding: Deciding, clock: Clock, max_batch: int) -> None:
        self._models = models
        self._deciding = deciding
        self._clock = clock
        self._max_batch = max_batch
        self._signatures: WeakKeyDictionary[Engine, ProtocolSignature] = WeakKeyDictionary()

    async def ServerLive(
        self, request: pb.ServerLiveRequest, context: Any
    ) -> pb.ServerLiveResponse:
        """Whoever can ask gets yes."""
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(
        self, request: pb.ServerReadyRequest, context: Any
    ) -> pb.ServerReadyResponse:
        """Whether a model is in memory."""
        return pb.ServerReadyResponse(ready=bool(self._models.serving))

    async def ModelReady(
        self, request: pb.ModelReadyRequest, context: Any
    ) -> pb.ModelReadyResponse:
        """Whether this model is in memory."""
        try:
            self._find(request.name, request.version)
        except NotFound:
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=True)

    async def ServerMetadata(
        self, request: pb.ServerMetadataRequest, context: Any
    ) -> pb.ServerMetadataResponse:
        """Name, version and the one extension that is served."""
        return pb.ServerMetadataResponse(
            name="aimlnf.inference_nf",
            version=package_version("aimlnf"),
            extensions=["model_repository"],
        )

    async def ModelMetadata(
        self, request: pb.ModelMetadataRequest, context: Any
    ) -> pb.ModelMetadataResponse:
        """Inputs and outputs of a model in memory."""
        model = self._find(request.name, request.version)
        versions = [m.key.version for m in self._models.serving if m.key.name == request.name]
        return pb.ModelMetadataResponse(
            name=request.name,
            versions=[str(number) for number in sorted(versions)],
            platform=_PLATFORMS[model.engine.kind.value],
            inputs=[_metadata(spec) for spec in model.engine.inputs],
            outputs=[_metadata(spec) for spec in model.engine.outputs],
        )

    async def ModelInfer(
        self, request: pb.ModelInferRequest, context: Any
    ) -> pb.ModelInferResponse:
        """Run a model in memory; outputs are raw contents, in the order asked for."""
        model = self._find(request.model_name, request.model_version)
        signature = self._signature(model)
        wanted = signature.wanted(request.outputs)
        outputs = await self._deciding.infer(
            model, signature.feeds(request), deadline_s=deadline_of(context, self._clock)
        )
        return signature.response(outputs, wanted=wanted, request_id=request.id)

    async def RepositoryIndex(
        self, request: pb.RepositoryIndexRequest, context: Any
    ) -> pb.RepositoryIndexResponse:
        """Versions in memory, and what could not be loaded."""
        _only_repository(request.repository_name)
        return pb.RepositoryIndexResponse(models=index_of(self._models, only_ready=request.ready))

    async def RepositoryModelLoad(
        self, request: pb.RepositoryModelLoadRequest, context: Any
    ) -> pb.RepositoryModelLoadResponse:
        """Load the champion, or the versions that the policy names."""
        _only_repository(request.repository_name)
        for selector in versions_wanted(request.parameters):
            await self._models.load(request.model_name, selector)
        return pb.RepositoryModelLoadResponse()

    async def RepositoryModelUnload(
        self, request: pb.RepositoryModelUnloadRequest, context: Any
    ) -> pb.RepositoryModelUnloadResponse:
        """Free every version of a model, or none of them while one decides."""
        _only_repository(request.repository_name)
        await self._models.unload_all(request.model_name)
        return pb.RepositoryModelUnloadResponse()

    def _find(self, name: str, version: str) -> ServingModel:
        if not version:
            return self._models.find(name)
        if not (version.isascii() and version.isdigit()):
            raise NotFound(
                f"model {name} has no version {version!r}; versions are whole numbers",
                reason="RESOURCE_NOT_FOUND",
                resource=f"{name} version {version}",
            )
        return self._models.find(name, int(version))

    def _signature(self, model: ServingModel) -> ProtocolSignature:
        engine = model.engine
        signature = self._signatures.get(engine)
        if signature is None:
            signature = self._signatures[engine] = ProtocolSignature(
                model.key, inputs=engine.inputs, outputs=engine.outputs, max_batch=self._max_batch
            )
        return signature


def _only_repository(name: str) -> None:
    if name:
        raise InvalidArgument(
            f"repository {name} is unknown; leave the name empty, there is only one",
            reason="INVALID_FIELD",
            field="repository_name",
        )


def _metadata(spec: TensorSpec) -> pb.ModelMetadataResponse.TensorMetadata:
    return pb.ModelMetadataResponse.TensorMetadata(
        name=spec.name, datatype=datatype_of(spec), shape=shape_of(spec)
    )
