"""A model of event subscriptions that looks at each subscription for each sample.

It shares no code with the function: a list of wishes, each with the last value it has seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Wish:
    """What one subscription wants of the SINR of beams, with a threshold in dB."""

    threshold_db: float
    direction: str  # ASCENDING, DESCENDING or CROSSED
    beams: tuple[str, ...] = ()
    last_db: dict[str, float] = field(default_factory=dict)

    def sample(self, sinr_db: Mapping[str, float]) -> frozenset[str]:
        """One measurement of all beams: the beams whose crossing has to be reported."""
        crossed = set()
        for beam_id, now_db in sinr_db.items():
            if self.beams and beam_id not in self.beams:
                continue
            before_db = self.last_db.get(beam_id)
            self.last_db[beam_id] = now_db
            if before_db is not None and self._crossed(before_db, now_db):
                crossed.add(beam_id)
        return frozenset(crossed)

    def _crossed(self, before_db: float, now_db: float) -> bool:
        rises = before_db < self.threshold_db <= now_db
        falls = before_db > self.threshold_db >= now_db
        return {"ASCENDING": rises, "DESCENDING": falls, "CROSSED": rises or falls}[self.direction]
