"""The broker that the settings name, behind the port that both clients share.

::

    broker = broker_of(settings.kafka)
    reader = broker.open_reader()          # blocking; most code wants an `EventSubscriber`
"""

from nf_runtime.config import KafkaSettings
from nf_runtime.events.ports import (
    Broker,
    BrokerMissingError,
    BrokerReader,
    BrokerWriter,
    Fetched,
    MessageRefusedError,
    Partition,
    Start,
    endpoints,
)

__all__ = [
    "Broker",
    "BrokerMissingError",
    "BrokerReader",
    "BrokerWriter",
    "Fetched",
    "MessageRefusedError",
    "Partition",
    "Start",
    "broker_of",
]


def broker_of(settings: KafkaSettings) -> Broker:
    """The broker of these settings, by the client they name.

    Raises:
        ConfigurationError: The address is not HOST:PORT.
    """
    endpoints(settings)
    # Each process pays for the import of one client only.
    if settings.client == "confluent-kafka":
        from nf_runtime.events.confluent_kafka_broker import (  # noqa: PLC0415
            ConfluentKafkaBroker,
        )

        return ConfluentKafkaBroker(settings)
    from nf_runtime.events.kafka_python_broker import KafkaPythonBroker  # noqa: PLC0415

    return KafkaPythonBroker(settings)
