"""Triggers: kinds, observed values and thresholds."""

import pytest
from support.ran_events import beam_quality, doppler, eavesdropper, event, measurement

from nf_runtime.events.catalogue import EventData
from nwdaf.anlf.triggers import EventKind, Trigger


def trigger(data: EventData) -> Trigger:
    """The trigger of the data."""
    made = Trigger.from_event(event(data))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("data", "kind", "observed_value"),
    [
        (beam_quality(sinr_db=-1.5), EventKind.BEAM_QUALITY, -1.5),
        (doppler(sinr_loss_db=4.5), EventKind.DOPPLER, 4.5),
        (eavesdropper(detection_statistic=8.0), EventKind.EAVESDROPPER, 8.0),
    ],
)
def test_a_trigger_knows_its_kind_and_observed_value(
    data: EventData, kind: EventKind, observed_value: float
) -> None:
    """The value that thresholds are compared with depends on the kind."""
    made = trigger(data)
    assert (made.kind, made.observed_value) == (kind, observed_value)
    assert (made.beam_id, made.satellite_id) == ("1", "25544")


def test_other_events_are_no_triggers() -> None:
    """A measurement on the wrong topic is not taken for a trigger."""
    assert Trigger.from_event(event(measurement())) is None


@pytest.mark.parametrize(
    ("data", "threshold", "reached"),
    [
        (beam_quality(sinr_db=2.0), 2.0, True),
        (beam_quality(sinr_db=2.0), 2.1, True),
        (beam_quality(sinr_db=2.0), 1.9, False),
        (doppler(sinr_loss_db=4.0), 4.0, True),
        (doppler(sinr_loss_db=4.0), 3.9, True),
        (doppler(sinr_loss_db=4.0), 4.1, False),
        (eavesdropper(detection_statistic=9.0), 9.1, False),
    ],
)
def test_a_threshold_is_reached_in_the_direction_of_the_kind(
    data: EventData, threshold: float, *, reached: bool
) -> None:
    """SINR falls to a threshold, loss and statistic rise to it; reached counts as crossed."""
    assert trigger(data).reaches(threshold) is reached
