"""How accurate the deciding model is, told to the event subscriptions that ask for it (`accuReq`).

An assessment depends on nothing but the last decision and on what was told before, which is stored
together with the notification that tells it: one that was interrupted is made up for by the next,
and none is told twice.

A consumer whose own decisions are what is assessed names no `accuDevThr` or sets `resumeFlg`: while
its triggers are paused it decides nothing that could mend the accuracy.
"""

from nwdaf.anlf.accuracy import DecisionWindow, assess
from nwdaf.anlf.desk import Desk
from nwdaf.anlf.notifications import Cause
from nwdaf.anlf.ports import AccuracyStore
from nwdaf.anlf.reports import Report
from nwdaf.anlf.subscriptions import Subscription


class Assessing:
    """Nnwdaf_EventsSubscription with analytics accuracy, TS 23.288 6.2D.

    Args:
        desk: Where the subscriptions are.
        decisions: What the models have decided.
    """

    def __init__(self, desk: Desk, decisions: AccuracyStore) -> None:
        self._desk = desk
        self._decisions = decisions

    async def assess(self) -> None:
        """Tell all subscriptions that ask for it how accurate the model is by now."""
        async with self._desk.turn:
            if not self._desk.assessed:
                return
            window = await self._decisions.latest_window()
            if window is None:
                return
            for subscription in list(self._desk.assessed.values()):
                await self._tell(subscription, window)

    async def assess_new(self, subscription: Subscription) -> Subscription:
        """Tell a subscription that was just made or changed; the caller has the desk's turn.

        Returns:
            The subscription as it then stands.
        """
        if subscription.subscription_id not in self._desk.assessed:
            return subscription
        window = await self._decisions.latest_window()
        return subscription if window is None else await self._tell(subscription, window)

    async def _tell(self, subscription: Subscription, window: DecisionWindow) -> Subscription:
        desk = self._desk
        accuracy = [told for _, told in subscription.accuracy_by_event]
        reports = []
        for index, (watched, previous) in enumerate(subscription.accuracy_by_event):
            if watched.accu_req is None or watched.pause_flg:
                continue
            assessed = assess(
                watched.accu_req,
                window,
                previous,
                now=desk.clock.now(),
                may_pause=not watched.resume_flg,
            )
            if assessed is not None:
                accuracy[index], report = assessed
                reports.append(Report(watched.event, accuracy=report))
        if not reports:
            return subscription
        current, recorded = await desk.notifications.tell_accuracy(
            subscription,
            tuple(reports),
            accuracy,
            Cause(f"accuracy after decision {window.position}, revision {subscription.revision}"),
        )
        desk.enter(current)
        desk.tell(recorded)
        if not recorded.notifications:  # it waits, or was stored by an attempt that seemed to fail
            desk.delivery.subscription_changed(subscription.subscription_id)
        return current
