"""Settings of the MTLF."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from nf_runtime.config import (
    DatabaseSettings,
    KafkaSettings,
    NfSettings,
    Section,
    ServerSettings,
)

_PROJECT = Path(__file__).resolve().parents[2]


class RepositorySettings(Section):
    """Where versions are published."""

    address: str = "127.0.0.1:50052"
    transfer_deadline_s: float = Field(default=120.0, gt=0)  # of one upload or download
    patience_s: float = Field(default=3600.0, ge=0)  # a job waits so long while it does not answer


class ProvisionSettings(Section):
    """Bounds of subscriptions to models."""

    most_subscriptions: int = Field(default=1_000, ge=1)


class SigningSettings(Section):
    """The key that versions are signed with; made at the first start, its `.pub` beside it."""

    key_file: Path = Path(".aimlnf/nwdaf_mtlf/signing.key")


class WorkerSettings(Section):
    """The process that trains and tests."""

    # On a busy host two threads wait for each other at every small product: minutes for seconds.
    threads: int = Field(default=1, ge=1, le=256)
    nice: int = Field(default=5, ge=0, le=19)  # decisions of this machine go first
    folder: Path = Path(".aimlnf/nwdaf_mtlf/work")
    pretrained_folder: Path = _PROJECT / "models" / "gan_gdm"
    most_queued: int = Field(default=16, ge=1)


class MtlfSettings(NfSettings):
    """Everything that can be set."""

    nf_name: ClassVar[str] = "nwdaf.mtlf"

    server: ServerSettings = ServerSettings(port=50056, metrics_port=9156)
    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings(url="sqlite:///.aimlnf/nwdaf_mtlf/jobs.db")
    repository: RepositorySettings = RepositorySettings()
    provision: ProvisionSettings = ProvisionSettings()
    signing: SigningSettings = SigningSettings()
    worker: WorkerSettings = WorkerSettings()
