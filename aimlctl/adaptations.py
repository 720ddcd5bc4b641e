"""Following one adaptation of the OAM until it has ended."""

import threading
from collections.abc import Callable, Iterator

from aimlctl.documents import enum_word
from aimlctl.output import CommandError
from aimlctl.paging import every_sequence
from aimlctl.patience import patiently
from aimlctl.peers import Peers
from aimlnf.oam.v1 import lifecycle_pb2 as oam
from aimlnf.oam.v1 import lifecycle_service_pb2 as service
from nf_runtime.clock import Clock

POLL_S = 0.2
LONGEST_S = 600.0

_ENDED = {
    oam.ADAPTATION_STATE_COMPLETED,
    oam.ADAPTATION_STATE_FAILED,
    oam.ADAPTATION_STATE_REJECTED,
}


def steps_after(peers: Peers, model: str, sequence: int) -> Iterator[oam.LifecycleStep]:
    """Steps of a model's life after a sequence, oldest first."""
    request = service.ListLifecycleStepsRequest(model_name=model, after_sequence=sequence)
    return every_sequence(peers.oam.ListLifecycleSteps, request, "steps")


def follow(
    peers: Peers,
    adaptation_id: str,
    *,
    on_step: Callable[[oam.LifecycleStep], None],
    clock: Clock,
    on_progress: Callable[[oam.Adaptation], None] | None = None,
    timeout_s: float = LONGEST_S,
) -> oam.Adaptation:
    """The adaptation once it is completed, or waits for approval; its steps are told on the way.

    A function that is away for a while is waited for.

    Raises:
        CommandError: the adaptation failed, was turned down, or took longer than the timeout.
    """
    deadline_s = clock.monotonic_s() + timeout_s
    told = 0
    pause = threading.Event()
    request = service.GetAdaptationRequest(adaptation_id=adaptation_id)
    while True:
        # Steps are read after the state, so those that led to it are among them.
        adaptation = patiently(lambda: peers.oam.GetAdaptation(request), clock=clock).adaptation
        for step in _steps(peers, adaptation.model_name, told, clock):
            told = step.sequence
            if step.adaptation_id == adaptation_id:
                on_step(step)
        if on_progress is not None:
            on_progress(adaptation)
        if adaptation.state in _ENDED:
            return _completed(adaptation)
        if adaptation.state == oam.ADAPTATION_STATE_AWAITING_APPROVAL:
            return adaptation
        if clock.monotonic_s() >= deadline_s:
            raise CommandError(
                f"adaptation {adaptation_id} has not ended within {timeout_s:g} s; "
                "see 'aimlctl lifecycle show'"
            )
        pause.wait(POLL_S)


def _steps(peers: Peers, model: str, sequence: int, clock: Clock) -> list[oam.LifecycleStep]:
    return patiently(lambda: list(steps_after(peers, model, sequence)), clock=clock)


def _completed(adaptation: oam.Adaptation) -> oam.Adaptation:
    if adaptation.state == oam.ADAPTATION_STATE_COMPLETED:
        return adaptation
    state = enum_word(oam.AdaptationState.DESCRIPTOR, adaptation.state).lower()
    raise CommandError(
        f"adaptation {adaptation.adaptation_id} was {state}: "
        f"{adaptation.failure or 'the OAM gives no reason'}"
    )
