"""Everything around the models of an inference function, in memory."""

from fakes.inference_nf.memory_engines import InlineWorker, MemoryBuilder
from fakes.inference_nf.memory_peers import MemoryMeter
from fakes.inference_nf.memory_repository import (
    MemoryCache,
    MemoryKeys,
    MemoryModelStore,
    MemoryRepository,
    MemoryShadowStore,
)
from support.tiny_models import TinyVersion

from inference_nf.batching import Batcher
from inference_nf.deciding import Deciding
from inference_nf.falling_back import FallingBack
from inference_nf.loading import Models
from inference_nf.ports import EngineBuilder
from inference_nf.preparing import LoadPolicy, Preparing
from inference_nf.releases import EngineKind
from inference_nf.shadowing import Shadowing
from nf_runtime.clock import SystemClock


class ModelWorld:
    """Everything around `Models`; `models` is one life of the process."""

    def __init__(self, *versions: TinyVersion, max_loaded: int = 3) -> None:
        self.max_loaded = max_loaded
        self.repository = MemoryRepository(*versions)
        self.cache = MemoryCache()
        self.store = MemoryModelStore()
        self.shadow_store = MemoryShadowStore()
        self.builder = MemoryBuilder(EngineKind.ONNXRUNTIME)
        self.other_builder = MemoryBuilder(EngineKind.TENSORRT)
        self.builders: dict[EngineKind, EngineBuilder] = {
            builder.kind: builder for builder in (self.builder, self.other_builder)
        }
        self.worker = InlineWorker()
        self.fallback_worker = InlineWorker()
        self.max_queued = 16
        self.meter = MemoryMeter()
        self.policy = LoadPolicy(warm_up_runs=2, download_attempts=3)
        self.models = self.next_life()

    def next_life(self) -> Models:
        """The process starts anew: memory is lost, the cache and the store are not."""
        preparing = Preparing(
            repository=self.repository,
            cache=self.cache,
            signatures=MemoryKeys(),
            builders=self.builders,
            default_engine=EngineKind.ONNXRUNTIME,
            loader=InlineWorker(),
            clock=SystemClock(),
            meter=self.meter,
            policy=self.policy,
        )
        self.models = Models(
            preparing=preparing, store=self.store, clock=SystemClock(), max_loaded=self.max_loaded
        )
        self.runs = Batcher(
            worker=self.worker,
            meter=self.meter,
            clock=SystemClock(),
            max_batch=8,
            max_queued=self.max_queued,
        )
        self.shadowing = Shadowing(
            self.models,
            runs=self.runs,
            store=self.shadow_store,
            meter=self.meter,
            clock=SystemClock(),
        )
        return self.models

    def deciding(self, *, min_reliability: float = 0.0, search: bool = True) -> Deciding:
        """What decides with the models of this life."""
        return Deciding(
            self.models,
            runs=self.runs,
            falling_back=FallingBack(
                worker=self.fallback_worker, meter=self.meter, clock=SystemClock(), search=search
            ),
            shadowing=self.shadowing,
            meter=self.meter,
            clock=SystemClock(),
            min_reliability=min_reliability,
        )

    def active_version(self) -> int | None:
        """Who decides."""
        return None if self.models.active is None else self.models.active.key.version
