"""The published event catalogue is the one in the code."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from support.events import alarm_event

from nf_runtime.events import asyncapi
from nf_runtime.events.catalogue import CATALOGUE
from nf_runtime.events.cloud_event import encode

PUBLISHED = Path(__file__).parents[3] / "docs" / "asyncapi.yaml"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The published document."""
    content: dict[str, Any] = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))
    return content


def references(node: object) -> list[str]:
    """All $ref in a document."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in references(value)]
    return []


def test_published_document_is_generated() -> None:
    """docs/asyncapi.yaml is what `python -m nf_runtime.events.asyncapi` prints."""
    assert PUBLISHED.read_text(encoding="utf-8") == asyncapi.text(), (
        "run: python -m nf_runtime.events.asyncapi > docs/asyncapi.yaml"
    )


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """Channels, messages and schemas that are referred to exist."""
    found = references(document)
    assert found
    for reference in found:
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_topic_and_its_dead_letters_are_channels(document: dict[str, Any]) -> None:
    """Ten channels: five topics, five dead-letter topics."""
    assert set(document["channels"]) == {*CATALOGUE, *(f"{topic}.dlq" for topic in CATALOGUE)}


def test_published_schema_accepts_what_is_published(document: dict[str, Any]) -> None:
    """An encoded event is valid against the document's schema, and a damaged one is not."""
    schema = {
        "$ref": "#/components/schemas/Alarm",
        "components": document["components"],
    }
    message = encode(alarm_event(), key="k")
    value = yaml.safe_load(message.value)
    jsonschema.validate(value, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value | {"alarm_id": ""}, schema)
