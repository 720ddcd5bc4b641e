# ruff: noqa: D101, D102 - the port describes them
"""The AnLF's metrics as plain numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from nwdaf.anlf.notifications import Notification


@dataclass
class CountingMetrics:
    notifications: int = 0
    overflows: int = 0
    forgotten: int = 0

    def notified(self, notifications: Sequence[Notification]) -> None:
        self.notifications += len(notifications)

    def dropped(self, count: int) -> None:
        self.forgotten += count

    def fell_behind(self) -> None:
        self.overflows += 1
