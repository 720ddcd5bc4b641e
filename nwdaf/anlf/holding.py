"""What becomes of reports: sent at once, held until a group is complete, or held while muted.

`grpRepTime`, `notifFlag`, `notifFlagInstruct` and `mutingSetting` of TS 29.523 5.6.2.2. Each
function takes a subscription as it stands and says how it stands afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nwdaf.anlf.reports import Held, Report
from nwdaf.anlf.subscriptions import (
    BufferedNotificationsAction,
    Criteria,
    Muting,
    NotificationFlag,
    Subscription,
    SubscriptionAction,
)

_MAX_GROUPED = 100  # a group that grows beyond is sent early
_LAST_CALL = timedelta(seconds=0.5)


@dataclass(frozen=True)
class Outcome:
    """How a subscription stands afterwards, and the reports of one notification to send now.

    Attributes:
        send: empty for nothing to send.
        held: what waits.
        muted: whether it waits for the end of muting.
        closed: whether the subscription ends here.
    """

    send: tuple[Report, ...]
    held: tuple[Held, ...]
    muted: bool
    closed: bool = False


def after_reports(
    subscription: Subscription, reports: tuple[Report, ...], now: datetime
) -> Outcome:
    """New reports have come."""
    held, new = subscription.held, Held(reports, now)
    muting = subscription.criteria.reporting.muting
    if subscription.muted and muting is not None:
        return _muted(muting, _fresh(subscription, now), new)
    if subscription.criteria.reporting.grp_rep_time is None:
        return Outcome(reports, held, muted=False)
    waiting = (*held, new)
    if len(waiting) < _MAX_GROUPED:
        return Outcome((), waiting, muted=False)
    return Outcome(_together(waiting), (), muted=False)


def after_modification(subscription: Subscription, now: datetime) -> Outcome:
    """The subscription has new content: muting begins or ends, or what is held is asked for."""
    muting = subscription.criteria.reporting.muting
    flag = NotificationFlag.ACTIVATE if muting is None else muting.flag
    held = _fresh(subscription, now)
    if flag is NotificationFlag.DEACTIVATE:
        return Outcome((), held, muted=True)
    muted = flag is NotificationFlag.RETRIEVAL
    return Outcome(_together(held), (), muted=muted)


def after_time(subscription: Subscription, now: datetime) -> Outcome:
    """The group time may be over."""
    held, criteria = subscription.held, subscription.criteria
    if subscription.muted or not held or _group_end(criteria, held) > now:
        return Outcome((), held, muted=subscription.muted)
    return Outcome(_together(held), (), muted=False)


def due_time(
    criteria: Criteria, held: Sequence[Held], *, muted: bool, create_time: datetime, now: datetime
) -> datetime | None:
    """When something falls due after `now`: a periodic report, or the end of a group time.

    Periods count from the creation; those that nobody was there to serve are left out.
    """
    times = [
        create_time + ((now - create_time) // period + 1) * period
        for period in {criteria.period_of(watched) for watched in criteria.events}
        if period is not None
    ]
    if held and not muted:
        times.append(_group_end(criteria, held))
    return min(times, default=None)


def is_due(period: timedelta, *, create_time: datetime, since: datetime, now: datetime) -> bool:
    """Whether a multiple of the period lies at or after `since` and not after `now`."""
    return create_time + -((create_time - since) // period) * period <= now


def _muted(muting: Muting, held: tuple[Held, ...], new: Held) -> Outcome:
    if len(held) < muting.max_no_of_notif:
        return Outcome((), (*held, new), muted=True)
    match muting.buffered_notifs:
        case BufferedNotificationsAction.SEND_ALL:
            send, remaining = _together(held), held[:0]
        case BufferedNotificationsAction.DISCARD_ALL:
            send, remaining = (), held[:0]
        case BufferedNotificationsAction.DROP_OLD:
            # A group that was being held when muting began may be larger than muting allows.
            send, remaining = (), held[len(held) - muting.max_no_of_notif + 1 :]
    kept = (*remaining, new)
    if muting.subscription is SubscriptionAction.CONTINUE_WITH_MUTING:
        return Outcome(send, kept, muted=True)
    closed = muting.subscription is SubscriptionAction.CLOSE
    if closed and muting.buffered_notifs is not BufferedNotificationsAction.SEND_ALL:
        return Outcome((), (), muted=False, closed=True)
    return Outcome((*send, *_together(kept)), (), muted=False, closed=closed)


def _group_end(criteria: Criteria, held: Sequence[Held]) -> datetime:
    """When a group is sent: after the group time, and in time before the subscription ends."""
    end = held[0].time + (criteria.reporting.grp_rep_time or timedelta(0))
    return end if criteria.expire_time is None else min(end, criteria.expire_time - _LAST_CALL)


def _fresh(subscription: Subscription, now: datetime) -> tuple[Held, ...]:
    """What is held and not older than `durationBufferedNotif` allows."""
    muting = subscription.criteria.reporting.muting
    if muting is None or muting.duration_buffered_notif is None:
        return subscription.held
    oldest = now - muting.duration_buffered_notif
    return tuple(one for one in subscription.held if one.time >= oldest)


def _together(held: Sequence[Held]) -> tuple[Report, ...]:
    return tuple(report for one in held for report in one.reports)
