"""Settings of the inference function."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from nf_runtime.config import (
    DatabaseSettings,
    KafkaSettings,
    NfSettings,
    Section,
    ServerSettings,
)

_MIB = 1024 * 1024


class RepositorySettings(Section):
    """Where models come from."""

    address: str = "127.0.0.1:50052"
    download_deadline_s: float = Field(default=120.0, gt=0)  # of one artifact
    download_attempts: int = Field(default=3, ge=1)


class RadioSettings(Section):
    """The radio access network."""

    address: str = "127.0.0.1:50055"


class EventSettings(Section):
    """One NWDAF event to be notified of; empty lists mean all, no threshold every trigger."""

    event: str
    beam_ids: tuple[str, ...] = ()
    satellite_ids: tuple[str, ...] = ()
    threshold: float | None = None


class NotificationSettings(Section):
    """The NWDAF, what it is to notify us of, and how notifications are answered."""

    enabled: bool = True  # false: only what is called decides, nothing is answered by itself
    address: str = "127.0.0.1:50051"
    events: tuple[EventSettings, ...] = Field(
        default=(
            EventSettings(event="VS_NTN_BEAM_QUALITY"),
            EventSettings(event="VS_NTN_DOPPLER_SINR_DROP"),
            EventSettings(event="VS_NTN_EAVESDROPPER"),
        ),
        min_length=1,
    )
    concurrency: int = Field(default=4, ge=1, le=64)  # notifications answered at a time
    acknowledge_every: int = Field(default=20, ge=1)
    acknowledge_period_s: float = Field(default=1.0, gt=0)


class ModelSettings(Section):
    """Which versions may be loaded, and where their files are kept."""

    cache_folder: Path = Path(".aimlnf/inference_nf/cache")
    max_loaded: int = Field(default=3, ge=2, le=16)  # the active one, the one before, a candidate
    max_artifact_bytes: int = Field(default=512 * _MIB, ge=1)
    allow_unapproved: bool = False
    warm_up_runs: int = Field(default=2, ge=0)


class EngineSettings(Section):
    """What runs the graphs. `auto` is ONNX Runtime; TensorRT is chosen by name."""

    kind: Literal["auto", "onnxruntime", "tensorrt"] = "auto"
    precision: Literal["card", "fp32", "fp16"] = "card"  # of linear layers, where it gains time
    threads: int = Field(default=1, ge=1)  # within one run of a graph
    workers: int = Field(default=1, ge=1)  # runs at a time
    quick_ms: float = Field(default=0.5, ge=0, le=5)  # quicker runs are not handed to a worker
    max_queued: int = Field(default=64, ge=1)  # callers that wait for an engine
    max_batch: int = Field(default=64, ge=1)  # contexts in one call, and in one run


class DecisionSettings(Section):
    """When a model's decision is not waited for or not applied, and what is done instead."""

    min_reliability: float = Field(default=0.0, ge=0, le=1)  # below it; 0 applies every decision
    trigger_deadline_s: float | None = Field(default=None, gt=0)  # from a notification's arrival
    local_search: bool = True  # of the fallback, where a deadline leaves it time


class SigningSettings(Section):
    """Whose models are loaded: files with a raw Ed25519 public key in base64."""

    trusted_keys: tuple[Path, ...] = ()


class ReportSettings(Section):
    """What is told about decisions."""

    reliability_window: int = Field(default=20, ge=1)  # decisions of one version
    low_reliability: float = Field(default=0.05, ge=0, le=1)  # one in twenty under no shift


class InferenceSettings(NfSettings):
    """Everything that can be set. `nf_instance_id` names this instance at its peers."""

    nf_name: ClassVar[str] = "inference_nf"

    nf_instance_id: str = Field(default="inference_nf", min_length=1, max_length=100)
    server: ServerSettings = ServerSettings(port=50053, metrics_port=9153)
    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings(url="sqlite:///.aimlnf/inference_nf/inference.db")
    repository: RepositorySettings = RepositorySettings()
    radio: RadioSettings = RadioSettings()
    notifications: NotificationSettings = NotificationSettings()
    models: ModelSettings = ModelSettings()
    engine: EngineSettings = EngineSettings()
    decisions: DecisionSettings = DecisionSettings()
    signing: SigningSettings = SigningSettings()
    reports: ReportSettings = ReportSettings()
