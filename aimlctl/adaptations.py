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

_FAILED = {oam.ADAPTATION_STATE_FAILED, oam.ADAPTATION_STATE_REJECTED}
_SETTLED = {oam.ADAPTATION_STATE_COMPLETED, oam.ADAPTATION_STATE_AWAITING_APPROVAL}


def steps_after(peers: Peers, model: str, sequence: int) -> Iterator[oam.LifecycleStep]:
    """Steps of a model's life after a sequence, oldest first."""
    request = service.ListLifecycleStepsRequest(model_name=model, after_sequence=sequence)
    return every_sequence(peers.oam.ListLifecycleSteps, request, "steps")


def follow(
    peers: Peers,
    adaptation_id: str,
    *,
    on_look: Callable[[oam.Adaptation], None],
    clock: Clock,
    timeout_s: float = LONGEST_S,
) -> oam.Adaptation:
    """The adaptation once it is completed or waits for approval; `on_look` sees it on the way.

    An OAM that is away for a while is waited for.

    Raises:
        CommandError: the adaptation failed, was turned down, or took longer than the timeout.
    """
    deadline_s = clock.monotonic_s() + timeout_s
    pause = threading.Event()
    request = service.GetAdaptationRequest(adaptation_id=adaptation_id)
    while True:
        adaptation = patiently(lambda: peers.oam.GetAdaptation(request), clock=clock).adaptation
        on_look(adaptation)
        if adaptation.state in _SETTLED:
            return adaptation
        if adaptation.state in _FAILED:
            state = enum_word(oam.AdaptationState.DESCRIPTOR, adaptation.state).lower()
            why = adaptation.failure or "the OAM gives no reason"
            raise CommandError(f"adaptation {adaptation_id} ended {state}: {why}")
        if clock.monotonic_s() >= deadline_s:
            raise CommandError(
                f"adaptation {adaptation_id} has not ended within {timeout_s:g} s; "
                "see 'aimlctl lifecycle show'"
            )
        pause.wait(POLL_S)
