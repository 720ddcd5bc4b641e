"""The event catalogue as an AsyncAPI 3.0 document.

``python -m nf_runtime.events.asyncapi > docs/asyncapi.yaml``. Source: AsyncAPI 3.0.0; CloudEvents
Kafka Protocol Binding 1.0.2.
"""

import sys
from typing import Any

import msgspec
import yaml

from nf_runtime.events.catalogue import CATALOGUE, EventData, dead_letter_topic
from nf_runtime.events.cloud_event import CONTENT_TYPE, PUBLISHED_AT_HEADER, SPEC_VERSION
from nf_runtime.events.subscriber import (
    DLQ_OFFSET_HEADER,
    DLQ_PARTITION_HEADER,
    DLQ_REASON_HEADER,
    DLQ_TOPIC_HEADER,
)

API_VERSION = "1.0.0"

# Who writes a topic, and what its key is.
_CHANNELS = {
    "ran.measurements": ("ran_sim", "satellite_id"),
    "ran.triggers": ("ran_sim", "beam_id"),
    "inference.reports": ("inference_nf", "satellite_id"),
    "mms.events": ("mms_repository", "model_name"),
    "oam.events": ("oam", "model_name"),
}


def document() -> dict[str, Any]:
    """The AsyncAPI document, ready for YAML."""
    types = [data_type for group in CATALOGUE.values() for data_type in group]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    payloads = dict(zip(types, schemas, strict=True))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "aimlnf events",
            "version": API_VERSION,
            "license": {"name": "Apache-2.0"},
            "description": (
                "CloudEvents 1.0 over Kafka in binary content mode: attributes in ce_* headers, "
                "data as JSON in the value. Consumers ignore fields they do not know. A record "
                "that is no event of its topic goes to <topic>.dlq with the reason in a header."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            name: channel
            for topic, group in CATALOGUE.items()
            for name, channel in (_channel(topic, group), _dead_letter_channel(topic))
        },
        "operations": {
            f"publish.{topic}": _operation(topic, CATALOGUE[topic]) for topic in CATALOGUE
        },
        "components": {
            "messages": {
                **{kind.__name__: _message(kind, payloads[kind]) for kind in types},
                "DeadLetter": _dead_letter(),
            },
            "messageTraits": {"CloudEvent": {"headers": _headers()}},
            "schemas": components,
        },
    }


def _channel(topic: str, types: tuple[type[EventData], ...]) -> tuple[str, dict[str, Any]]:
    writer, key = _CHANNELS[topic]
    return topic, {
        "address": topic,
        "description": f"Written by {writer}; the key is the {key}, and order holds per key.",
        "messages": {
            kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in types
        },
        "bindings": {"kafka": {"topic": topic}},
    }


def _dead_letter_channel(topic: str) -> tuple[str, dict[str, Any]]:
    name = dead_letter_topic(topic)
    return name, {
        "address": name,
        "description": f"Records of {topic} that could not be read, unchanged.",
        "messages": {"DeadLetter": {"$ref": "#/components/messages/DeadLetter"}},
        "bindings": {"kafka": {"topic": name}},
    }


def _operation(topic: str, types: tuple[type[EventData], ...]) -> dict[str, Any]:
    # In a $ref path a slash would need escaping; topics have dots only.
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{kind.__name__}"} for kind in types],
    }


def _message(kind: type[EventData], payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": kind.event_type,
        "title": kind.__name__,
        "summary": (kind.__doc__ or "").strip().splitlines()[0],
        "contentType": CONTENT_TYPE,
        "traits": [{"$ref": "#/components/messageTraits/CloudEvent"}],
        "headers": {"type": "object", "properties": {"ce_type": {"const": kind.event_type}}},
        "payload": payload,
    }


def _dead_letter() -> dict[str, Any]:
    names = {
        DLQ_REASON_HEADER: "Why it could not be read.",
        DLQ_TOPIC_HEADER: "Topic it was read from.",
        DLQ_PARTITION_HEADER: "Partition it was read from.",
        DLQ_OFFSET_HEADER: "Offset it was read from.",
    }
    return {
        "name": "dead-letter",
        "title": "DeadLetter",
        "summary": "A record as it was, with its own headers and these.",
        "headers": {
            "type": "object",
            "required": list(names),
            "properties": {
                name: {"type": "string", "description": text} for name, text in names.items()
            },
        },
        "payload": {"description": "Any bytes."},
    }


def _headers() -> dict[str, Any]:
    def text(description: str, **more: Any) -> dict[str, Any]:
        return {"type": "string", "description": description, **more}

    return {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
        "properties": {
            "ce_specversion": {"const": SPEC_VERSION},
            "ce_id": text("Unique within ce_source; a consumer drops what it has seen."),
            "ce_source": text("Who says so, as a URI reference."),
            "ce_type": text("Names the schema of the data."),
            "ce_time": text("When it happened.", format="date-time"),
            "ce_subject": text("What it is about, within the source."),
            "traceparent": text("W3C Trace Context."),
            "content-type": {"const": CONTENT_TYPE},
            PUBLISHED_AT_HEADER: text(
                "Wall-clock time of publication in nanoseconds since the Unix epoch, in digits; "
                "transport only, no part of the event."
            ),
        },
    }


def text() -> str:
    """The document as YAML."""
    return yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=100)


if __name__ == "__main__":
    sys.stdout.write(text())
