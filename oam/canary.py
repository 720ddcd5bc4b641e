"""The candidate decides beside the champion on live contexts before it may replace it.

Nothing of what it decides is applied: the inference function compares both decisions on the same
estimate of the channel (`StartShadow`), so that both see the same weather.

Not modelled: a share of the traffic that the candidate really decides, and the significance of the
difference; the number of decisions and the margin stand for it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CanaryPolicy:
    """What the configuration decides about the comparison.

    Attributes:
        decisions: Decisions to compare; 0: no comparison.
        share: Of the champion's decisions that the candidate makes too, in (0, 1].
        patience_s: How long they are waited for, wall clock.
        margin_bps_hz: How far the candidate's mean rate may fall short of the champion's.
        largest_failure_ratio: Largest share of decisions that the candidate may fail to make.
        promotes_undecided: Whether a candidate that too few decisions were compared for goes on.
    """

    decisions: int = 0
    share: float = 1.0
    patience_s: float = 60.0
    margin_bps_hz: float = 0.5
    largest_failure_ratio: float = 0.1
    promotes_undecided: bool = True


@dataclass(frozen=True)
class Comparison:
    """What candidate and champion did side by side. Rates are mean sum secrecy rates in b/s/Hz."""

    compared_count: int = 0
    better_count: int = 0
    failed_count: int = 0
    champion_rate_bps_hz: float = 0.0
    candidate_rate_bps_hz: float = 0.0

    @property
    def tried_count(self) -> int:
        """Decisions that the candidate made or failed to make."""
        return self.compared_count + self.failed_count

    @property
    def figures(self) -> dict[str, float]:
        """In numbers, for the record."""
        return {name: float(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate may replace the champion, and why, in one clause with figures."""

    passed: bool
    reason: str


def verdict(comparison: Comparison, policy: CanaryPolicy) -> Verdict:
    """What follows from the comparison, once it is complete or patience has ended."""
    seen = (
        f"over {comparison.compared_count} live decisions it would have reached "
        f"{comparison.candidate_rate_bps_hz:.3f} b/s/Hz where the champion reached "
        f"{comparison.champion_rate_bps_hz:.3f}, and was better in {comparison.better_count}"
    )
    if comparison.tried_count < policy.decisions:
        return Verdict(
            passed=policy.promotes_undecided,
            reason=f"only {comparison.tried_count} of {policy.decisions} live decisions came "
            f"within {policy.patience_s:g} s, and the configuration "
            f"{'lets it go on' if policy.promotes_undecided else 'turns it down'} then",
        )
    failure_ratio = comparison.failed_count / max(1, comparison.tried_count)
    if failure_ratio > policy.largest_failure_ratio:
        return Verdict(
            passed=False,
            reason=f"it failed to make {comparison.failed_count} of {comparison.tried_count} "
            f"decisions (allowed {policy.largest_failure_ratio:.2f})",
        )
    shortfall_bps_hz = comparison.champion_rate_bps_hz - comparison.candidate_rate_bps_hz
    passed = shortfall_bps_hz <= policy.margin_bps_hz
    relation = "within" if passed else "beyond"
    return Verdict(
        passed=passed, reason=f"{seen}: {relation} the margin of {policy.margin_bps_hz:.3f} b/s/Hz"
    )
