"""What keeps rules from swinging between versions: rest, a budget, and versions left for good.

Operators are not held back by rest and budget, and may return to a version that was left if they
say so.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nf_runtime.errors import FailedPrecondition
from oam.monitoring_policy import MonitoringPolicy, Rule

_MOST_KEPT = 100


@dataclass(frozen=True)
class Recent:
    """What happened to versions in use lately.

    Attributes:
        begin_times: When the latest adaptations began, oldest first, wall-clock UTC.
        last_end_time: When the last one ended, wall-clock UTC.
        left_versions: Versions that were rolled back from.
    """

    begin_times: tuple[datetime, ...] = ()
    last_end_time: datetime | None = None
    left_versions: tuple[int, ...] = ()

    def begun(self, now: datetime) -> "Recent":
        """With one more adaptation."""
        return replace(self, begin_times=(*self.begin_times, now)[-_MOST_KEPT:])

    def ended(self, now: datetime) -> "Recent":
        """With the adaptation ended."""
        return replace(self, last_end_time=now)

    def decides(self, version: int, *, instead_of: int, rolled_back: bool) -> "Recent":
        """With another version in use; the one that was rolled back from counts as left."""
        left = [each for each in self.left_versions if each not in (version, instead_of)]
        if rolled_back and instead_of:
            left.append(instead_of)
        return replace(self, left_versions=tuple(left[-_MOST_KEPT:]))


NOTHING_RECENT = Recent()


def cool_until(recent: Recent, rule: Rule, policy: MonitoringPolicy, now: datetime) -> datetime:
    """When the rule may act again after the last adaptation; `now` if it may."""
    if recent.last_end_time is None:
        return now
    return recent.last_end_time + timedelta(seconds=policy.cool_down_s(rule))


def why_held_back(
    recent: Recent, rule: Rule, policy: MonitoringPolicy, *, previous: int, now: datetime
) -> str:
    """Why the rule may not act now, as a clause; empty: it may. `previous` is where back leads."""
    if rule.goes_back and previous == 0:
        return f"rule {rule} finds no version to go back to"
    if rule.goes_back and previous in recent.left_versions:
        return (
            f"rule {rule} does not return to version {previous}, which was rolled back from; "
            "only an operator may"
        )
    until = cool_until(recent, rule, policy, now)
    if now < until:
        waits_s = (until - now).total_seconds()
        return f"rule {rule} waits {waits_s:.0f} s, since an adaptation has just ended"
    since = now - timedelta(seconds=policy.adaptation_window_s)
    count = sum(time > since for time in recent.begin_times)
    if count >= policy.most_adaptations:
        return (
            f"rule {rule} waits, since {count} adaptations began within the last "
            f"{policy.adaptation_window_s:.0f} s and {policy.most_adaptations} are allowed"
        )
    return ""


def check_return(recent: Recent, version: int, *, allowed: bool) -> None:
    """Refuse an operator's way back to a version that was left, unless it is asked for as such.

    Raises:
        FailedPrecondition: STATE_FORBIDS.
    """
    if version in recent.left_versions and not allowed:
        raise FailedPrecondition(
            f"version {version} was rolled back from; ask again with allow_return "
            "(aimlctl lifecycle rollback --return) if it shall decide all the same",
            reason="STATE_FORBIDS",
            state="LEFT",
            wanted="ROLLBACK",
        )
