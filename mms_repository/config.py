"""Settings of the model repository."""

from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator

from mms_repository.storage import S3Location
from nf_runtime.config import (
    DatabaseSettings,
    KafkaSettings,
    NfSettings,
    Section,
    ServerSettings,
)

_MIB = 1024 * 1024


class ArtifactSettings(Section):
    """Where artifacts are stored, and bounds on what comes in.

    `url` is empty, and `folder` holds them, or ``s3://bucket/prefix?endpoint=http://host:port``,
    and `folder` holds only what is on its way in. Credentials of S3 stand in the environment.
    """

    url: str = ""
    folder: Path = Path(".aimlnf/mms_repository/artifacts")
    max_artifact_bytes: int = Field(default=512 * _MIB, ge=1)
    max_version_bytes: int = Field(default=1024 * _MIB, ge=1)
    max_artifacts: int = Field(default=16, ge=1, le=64)
    max_concurrent_uploads: int = Field(default=8, ge=1)
    upload_idle_s: float = Field(default=30.0, gt=0)  # a client that stays silent longer is let go
    store_timeout_s: float = Field(default=30.0, gt=0)  # of one request to S3
    orphan_grace_s: float = Field(default=3600.0, ge=0)  # unreferenced bytes live this long
    upload_keep_s: float = Field(default=86400.0, ge=0)  # an interrupted upload can be continued
    archived_keep_s: float | None = Field(default=None, ge=0)  # bytes of the archive; for ever
    sweep_period_s: float = Field(default=3600.0, gt=0)

    @field_validator("url")
    @classmethod
    def _a_location(cls, url: str) -> str:
        if url:
            S3Location.parse(url)
        return url

    @model_validator(mode="after")
    def _an_artifact_fits_into_a_version(self) -> Self:
        if self.max_artifact_bytes > self.max_version_bytes:
            message = "max_artifact_bytes is larger than max_version_bytes; no such file could come"
            raise ValueError(message)
        return self


class SigningSettings(Section):
    """Who may publish: files of Ed25519 public keys, as `nf_runtime.signing` describes them.

    They are read at each publication: keys are added, let expire and revoked without a restart.
    """

    required: bool = True
    trusted_keys: tuple[Path, ...] = ()


class MmsSettings(NfSettings):
    """Settings of the model repository."""

    nf_name: ClassVar[str] = "mms_repository"

    server: ServerSettings = ServerSettings(port=50052, metrics_port=9152)
    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings(url="sqlite:///.aimlnf/mms_repository/models.db")
    artifacts: ArtifactSettings = ArtifactSettings()
    signing: SigningSettings = SigningSettings()
