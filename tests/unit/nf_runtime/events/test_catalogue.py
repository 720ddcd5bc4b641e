"""The event types and their topics."""

import re

import pytest

from nf_runtime.events.catalogue import (
    CATALOGUE,
    EVENT_TYPES,
    TOPICS,
    EventData,
    dead_letter_topic,
    topic_of,
)

TYPES = [data_type for group in CATALOGUE.values() for data_type in group]


@pytest.mark.parametrize("data_type", TYPES)
def test_type_is_named_after_its_class(data_type: type[EventData]) -> None:
    """`DopplerSinrDrop` of `ran.triggers` is ``org.aimlnf.ran.doppler-sinr-drop.v1``."""
    words = re.findall("[A-Z][a-z]+", data_type.__name__)
    area = topic_of(data_type).partition(".")[0]
    assert data_type.event_type == f"org.aimlnf.{area}.{'-'.join(words).lower()}.v1"


def test_every_type_has_one_topic() -> None:
    """No type is missing, none is there twice."""
    assert len(TYPES) == len(EVENT_TYPES) == len(TOPICS) == 14
    assert set(TOPICS.values()) == set(CATALOGUE)


def test_dead_letter_topic_stands_beside_its_topic() -> None:
    """Dead letters of a topic are easy to find."""
    assert dead_letter_topic("ran.triggers") == "ran.triggers.dlq"
