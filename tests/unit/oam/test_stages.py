"""An update that is late is given up before anything is asked of a peer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from support.oam_samples import NOW, at_stage

from nf_runtime.clock import ManualClock
from oam.adaptation_events import Refused
from oam.canary import CanaryPolicy, Comparison
from oam.required_performance import UpdateTerms
from oam.stages import Stages
from oam.transitions import Stage

NOTHING = cast("Any", None)  # a peer that is not asked
LATE = UpdateTerms(complete_by=NOW - timedelta(seconds=1))


class Comparing:
    """An inference function that compares, and remembers that it was told to stop."""

    def __init__(self) -> None:
        self.stopped = False

    async def compare(self, model_name: str, version: int, share: float) -> Comparison:
        """Nothing compared yet."""
        return Comparison(0, 0, 0, 0.0, 0.0)

    async def stop_comparing(self) -> None:
        """End it."""
        self.stopped = True


def stages(inference: Any = NOTHING) -> Stages:
    """Stages without peers."""
    return Stages(
        training=NOTHING,
        repository=NOTHING,
        inference=inference,
        analytics=NOTHING,
        training_defaults=NOTHING,
        test_defaults=NOTHING,
        canary=CanaryPolicy(decisions=20),
        clock=ManualClock(NOW),
    )


@pytest.mark.parametrize("stage", [Stage.PREPARE, Stage.START_TEST, Stage.APPROVE, Stage.LOAD])
async def test_late_update_is_given_up(stage: Stage) -> None:
    """The reason is the deadline."""
    adaptation = replace(at_stage(stage), terms=LATE)
    events = [event async for event in stages().perform(adaptation)]
    assert events == [Refused(LATE.deadline_text)]


async def test_late_comparison_is_ended() -> None:
    """The inference function stops comparing, too."""
    inference = Comparing()
    adaptation = replace(at_stage(Stage.CANARY), terms=LATE)
    events = [event async for event in stages(inference).perform(adaptation)]
    assert events == [Refused(LATE.deadline_text)]
    assert inference.stopped
