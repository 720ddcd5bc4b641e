"""What follows from candidate and champion side by side."""

import pytest

from oam.canary import CanaryPolicy, Comparison, verdict

POLICY = CanaryPolicy(decisions=20, margin_bps_hz=0.5, largest_failure_ratio=0.1)


@pytest.mark.parametrize(
    ("comparison", "passed", "why"),
    [
        (Comparison(20, 12, 0, 10.0, 10.4), True, "within the margin of 0.500 b/s/Hz"),
        (Comparison(20, 2, 0, 10.0, 9.5), True, "was better in 2"),
        (Comparison(20, 2, 0, 10.0, 9.4), False, "beyond the margin"),
        (Comparison(18, 18, 2, 10.0, 12.0), True, "over 18 live decisions"),
        (Comparison(17, 17, 3, 10.0, 12.0), False, "failed to make 3 of 20 decisions"),
        (Comparison(0, 0, 20, 0.0, 0.0), False, "failed to make 20 of 20"),
    ],
)
def test_candidate_is_measured_against_the_champion(
    comparison: Comparison, *, passed: bool, why: str
) -> None:
    """By its mean rate on the same contexts, and by what it failed to decide."""
    found = verdict(comparison, POLICY)
    assert found.passed is passed
    assert why in found.reason


@pytest.mark.parametrize("promotes", [True, False])
def test_too_few_decisions_decide_as_configured(*, promotes: bool) -> None:
    """And the record says that nothing was measured."""
    policy = CanaryPolicy(decisions=20, promotes_undecided=promotes)
    found = verdict(Comparison(19, 0, 0, 10.0, 1.0), policy)
    assert found.passed is promotes
    assert "only 19 of 20 live decisions" in found.reason
