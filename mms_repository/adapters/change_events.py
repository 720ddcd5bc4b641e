"""Changes as events on `mms.events`."""

from mms_repository.names import distinguished_name
from mms_repository.versions import AliasChange, PositionedEntry, StateChange
from nf_runtime.events.catalogue import (
    AliasChanged,
    EventData,
    VersionLabelsChanged,
    VersionStateChanged,
)
from nf_runtime.events.cloud_event import CloudEvent

_SOURCE = "/mms_repository"


def event_of(
    positioned: PositionedEntry, *, incarnation: str, traceparent: str | None
) -> CloudEvent[EventData]:
    """The event that says what the entry says.

    Its id is made of the repository's incarnation and the position: the same for a repeated
    publication, another one after the repository was set up afresh.
    """
    entry = positioned.entry
    data: EventData
    if isinstance(entry.change, StateChange):
        data = VersionStateChanged(
            model_name=entry.model_name,
            version=entry.version,
            from_state=entry.change.from_state or "",
            to_state=entry.change.to_state,
            actor=entry.actor,
            reason=entry.reason,
        )
    elif isinstance(entry.change, AliasChange):
        data = AliasChanged(
            model_name=entry.model_name,
            alias=entry.change.alias,
            version=entry.version,
            previous_version=entry.change.previous_version,
            actor=entry.actor,
            reason=entry.reason,
        )
    else:
        data = VersionLabelsChanged(
            model_name=entry.model_name,
            version=entry.version,
            labels=dict(entry.change.labels),
            actor=entry.actor,
            reason=entry.reason,
        )
    return CloudEvent(
        id=f"{incarnation}/{positioned.position}",
        source=_SOURCE,
        time=entry.change_time,
        subject=distinguished_name(entry.model_name, entry.version),
        data=data,
        traceparent=traceparent,
    )
