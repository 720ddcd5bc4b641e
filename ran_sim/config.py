"""Settings of the simulator."""

from typing import ClassVar

from nf_runtime.config import DatabaseSettings, KafkaSettings, NfSettings, ServerSettings


class RanSimSettings(NfSettings):
    """Everything that can be set; what is simulated comes with each run."""

    nf_name: ClassVar[str] = "ran_sim"

    server: ServerSettings = ServerSettings(port=50055, metrics_port=9155)
    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings(url="sqlite:///ran_sim.db")
