"""Settings of the AnLF."""

from typing import ClassVar, Literal

from pydantic import Field

from nf_runtime.config import (
    DatabaseSettings,
    KafkaSettings,
    NfSettings,
    Section,
    ServerSettings,
)


class SubscriptionSettings(Section):
    """Bounds of subscriptions and their streams."""

    per_consumer: int = Field(default=100, ge=1)
    total: int = Field(default=10_000, ge=1, le=30_000)  # all may match one trigger
    stream_queue: int = Field(default=256, ge=1)  # notifications that may wait for one stream
    # Notifications of one subscription that may wait for acknowledgement, and what becomes of it
    # when there are more: the oldest are forgotten, or the subscription ends (NWDAF_OVERLOAD).
    undelivered: int = Field(default=10_000, ge=1)
    on_overflow: Literal["drop-oldest", "terminate"] = "drop-oldest"
    remembered_series: int = Field(default=10_000, ge=1)  # last values kept across a restart
    # `strict` serves the events of TS 29.520 only, `extended` the tokens VS_NTN_… as well.
    profile: Literal["strict", "extended"] = "extended"


class NfLoadSettings(Section):
    """Whose load is read: name of the instance and HOST:PORT of its metrics."""

    peers: dict[str, str] = Field(default_factory=dict)
    period_s: float = Field(default=5.0, gt=0)


class AnalyticsSettings(Section):
    """How much of the past is kept."""

    retained_measurements: int = Field(default=5_000, ge=1)
    retention_s: float = Field(default=86_400.0, gt=0)  # of simulated time; of loads: wall-clock
    lowest_elevation_deg: float = Field(default=10.0, ge=0, le=90)  # predictions end below it


class AccuracySettings(Section):
    """The window of decisions that a model's accuracy is computed over, and who may follow it."""

    window_decisions: int = Field(default=200, ge=1)
    most_registrations: int = Field(default=1_000, ge=1)  # and as many subscriptions


class AnlfSettings(NfSettings):
    """Everything that can be set."""

    nf_name: ClassVar[str] = "nwdaf.anlf"

    server: ServerSettings = ServerSettings(port=50051, metrics_port=9151)
    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings(url="sqlite:///.aimlnf/nwdaf_anlf/anlf.db")
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    analytics: AnalyticsSettings = AnalyticsSettings()
    accuracy: AccuracySettings = AccuracySettings()
    nf_load: NfLoadSettings = NfLoadSettings()
