"""Everything around the models of an inference function, in memory."""

from fakes.inference_nf.memory_engines import InlineWorker, MemoryBuilder
from fakes.inference_nf.memory_repository import (
    MemoryCache,
    MemoryKeys,
    MemoryModelStore,
    MemoryRepository,
)
from support.tiny_models import TinyVersion

from inference_nf.loading import LoadPolicy, Models
from inference_nf.ports import EngineBuilder
from inference_nf.releases import EngineKind
from nf_runtime.clock import SystemClock


class ModelWorld:
    """Everything around `Models`; `models` is one life of the process."""

    def __init__(self, *versions: TinyVersion) -> None:
        self.repository = MemoryRepository(*versions)
        self.cache = MemoryCache()
        self.store = MemoryModelStore()
        self.builder = MemoryBuilder(EngineKind.ONNXRUNTIME)
        self.other_builder = MemoryBuilder(EngineKind.TENSORRT)
        self.builders: dict[EngineKind, EngineBuilder] = {
            builder.kind: builder for builder in (self.builder, self.other_builder)
        }
        self.policy = LoadPolicy(max_loaded=3, warm_up_runs=2, download_attempts=3)
        self.models = self.next_life()

    def next_life(self) -> Models:
        """The process starts anew: memory is lost, the cache and the store are not."""
        self.models = Models(
            repository=self.repository,
            cache=self.cache,
            signatures=MemoryKeys(),
            builders=self.builders,
            default_engine=EngineKind.ONNXRUNTIME,
            store=self.store,
            loader=InlineWorker(),
            clock=SystemClock(),
            policy=self.policy,
        )
        return self.models

    def active_version(self) -> int | None:
        """Who decides."""
        return None if self.models.active is None else self.models.active.key.version
