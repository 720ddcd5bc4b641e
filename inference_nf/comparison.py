"""What a candidate did beside the active model, and which decisions it makes too."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from inference_nf.decisions import Decision, RadioSnapshot
from inference_nf.releases import ModelKey
from radio_math.secrecy import sum_secrecy_rate

_SPAN = 2**64


@dataclass(frozen=True)
class Comparison:
    """What the candidate did beside the active model.

    Attributes:
        key: The candidate.
        share: Of the decisions that it makes too, in (0, 1].
        compared: Decisions that both made.
        better: Of these, where the candidate's rate on the estimate is higher.
        same_carriers: Of these, where every ESIM is on the same carrier.
        failed: What the candidate could not decide.
        skipped: What it was spared.
        active_rate_bps_hz: Sum over what was compared of the active model's rates.
        candidate_rate_bps_hz: Likewise of the candidate's.
        candidate_reliability: Likewise of the reliabilities that it gives itself.
    """

    key: ModelKey
    share: float
    compared: int = 0
    better: int = 0
    same_carriers: int = 0
    failed: int = 0
    skipped: int = 0
    active_rate_bps_hz: float = 0.0
    candidate_rate_bps_hz: float = 0.0
    candidate_reliability: float = 0.0

    def with_pair(
        self, snapshot: RadioSnapshot, active: Decision, candidate: Decision
    ) -> "Comparison":
        """The comparison with one more pair of decisions for the same context."""
        ours = float(sum_secrecy_rate(snapshot.context, active.allocation))
        theirs = float(sum_secrecy_rate(snapshot.context, candidate.allocation))
        same = np.array_equal(active.allocation.carrier, candidate.allocation.carrier)
        return replace(
            self,
            compared=self.compared + 1,
            better=self.better + (theirs > ours),
            same_carriers=self.same_carriers + bool(same),
            active_rate_bps_hz=self.active_rate_bps_hz + ours,
            candidate_rate_bps_hz=self.candidate_rate_bps_hz + theirs,
            candidate_reliability=self.candidate_reliability + candidate.reliability,
        )


def falls_in_share(decision_id: str, share: float) -> bool:
    """Whether a decision is among that share of all; a larger share holds every smaller one."""
    drawn = int.from_bytes(hashlib.sha256(decision_id.encode()).digest()[:8], "big")
    return drawn < share * _SPAN
