"""What events of other functions mean for managed objects."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from nf_runtime.events.catalogue import (
    AliasChanged,
    DopplerSinrDrop,
    EavesdropperDetected,
    VersionStateChanged,
)
from nf_runtime.events.record import Record
from oam.nrm.alarms import SECURITY, Condition, raise_alarm
from oam.nrm.names import Name
from oam.nrm.objects import Tree

T = TypeVar("T")

EAVESDROPPER = "eavesdropper"


class Inbox(Protocol):
    """Lets a record take effect once."""

    async def take_in(self, record: Record, work: Callable[[Tree], T]) -> T | None:
        """What `work` returns; None: the record has been dealt with before, or tells nothing."""
        ...


class NetworkEvents:
    """Takes in triggers of the radio access network and changes of the repository.

    Args:
        inbox: Lets each take effect once.
        refresh: Reads a version of the repository again.
        ntn_function: Object that alarms of the radio access network are about.
        residual_doppler: Where the residual Doppler in Hz of a Doppler trigger goes.
    """

    def __init__(
        self,
        inbox: Inbox,
        *,
        refresh: Callable[[str, int], Awaitable[None]],
        ntn_function: Name,
        residual_doppler: Callable[[float], None],
    ) -> None:
        self._inbox = inbox
        self._refresh = refresh
        self._ntn_function = ntn_function
        self._residual_doppler = residual_doppler

    async def take_in(self, record: Record) -> None:
        """Let a record take effect."""
        data = None if record.event is None else record.event.data
        if isinstance(data, VersionStateChanged):
            await self._refresh(data.model_name, data.version)  # twice is as good as once
        elif isinstance(data, AliasChanged) and data.version:
            await self._refresh(data.model_name, data.version)
        elif isinstance(data, DopplerSinrDrop):
            self._residual_doppler(data.residual_doppler_hz)
        await self._inbox.take_in(record, lambda tree: self._written(tree, data))

    def _written(self, tree: Tree, data: object) -> None:
        if isinstance(data, EavesdropperDetected):
            raise_alarm(tree, self.condition(data), subject="alarm")

    def condition(self, event: EavesdropperDetected) -> Condition:
        """The security alarm of a detection (TS 28.111)."""
        return Condition(
            alarm_id=f"{EAVESDROPPER}/{event.esim_id}",
            object_instance=str(self._ntn_function),
            alarm_type=SECURITY,
            probable_cause="UNAUTHORIZED_ACCESS_ATTEMPT",
            specific_problem=(
                f"An eavesdropper stands {event.estimated_range_km:.0f} km from {event.esim_id}, "
                f"bearing {event.bearing_deg:.0f} degrees, in beam {event.beam_id} of satellite "
                f"{event.satellite_id}."
            ),
            perceived_severity="CRITICAL" if event.estimated_range_km < 1.0 else "MAJOR",
            security={
                "securityAlarmDetector": f"eavesdropper detector of {event.satellite_id}",
                "serviceUser": event.esim_id,
                "serviceProvider": str(self._ntn_function),
            },
            additional={
                "detectionStatistic": event.detection_statistic,
                "threshold": event.threshold,
                "runId": event.run_id,
                "simOffsetS": event.sim_offset_s,
            },
        )
