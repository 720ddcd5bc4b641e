"""How long work on a model takes, as it is told."""

import io

from aimlctl.model_work import ProgressTeller
from aimlctl.output import Output
from nf_runtime.clock import ManualClock


def teller_of(stdout: io.StringIO, clock: ManualClock) -> ProgressTeller:
    """Tells to a string."""
    output = Output(as_json=False, stdout=stdout, stderr=io.StringIO())
    return ProgressTeller(output, clock, clock.monotonic_s())


async def test_time_left_follows_from_the_time_passed() -> None:
    """A quarter in one minute leaves three."""
    said, clock = io.StringIO(), ManualClock()
    teller = teller_of(said, clock)
    await clock.advance(60.0)
    teller.tell(0.25, "secrecy", {"loss": -1.02})
    assert said.getvalue() == " 25% secrecy, 3:00 left  loss -1.02\n"


def test_a_line_for_each_twentieth_and_each_phase() -> None:
    """Small steps of one phase are not told."""
    said = io.StringIO()
    teller = teller_of(said, ManualClock())
    for fraction, phase in ((0.0, "a"), (0.01, "a"), (0.04, "a"), (0.06, "a"), (0.07, "b")):
        teller.tell(fraction, phase, {})
    assert [line.split() for line in said.getvalue().splitlines()] == [
        ["0%", "a"],
        ["6%", "a"],
        ["7%", "b"],
    ]
