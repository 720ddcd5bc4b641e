"""Following an adaptation, paging, and asking again while a function is away."""

from types import SimpleNamespace
from typing import Any

import pytest
from fakes.platform_peers import FakePlatform

from aimlctl.adaptations import follow
from aimlctl.output import CommandError
from aimlctl.paging import PAGE_SIZE, every_page, every_sequence
from aimlctl.patience import patiently
from aimlnf.oam.v1 import lifecycle_pb2 as oam
from aimlnf.oam.v1 import lifecycle_service_pb2 as service
from nf_runtime.clock import ManualClock
from nf_runtime.errors import NotFound, Unavailable


class TickingClock(ManualClock):
    """A second passes at every look at the time."""

    def monotonic_s(self) -> float:
        """A second later than at the last look."""
        self._elapsed_ns += 1_000_000_000
        return super().monotonic_s()


def stuck(state: int, failure: str = "") -> Any:
    """Peers whose one adaptation stays as it is."""
    platform = FakePlatform()
    adaptation = platform.adapt(oam.ADAPTATION_KIND_INITIAL, "operator:me")
    adaptation.state = state
    adaptation.failure = failure
    return platform.peers


def test_completed_adaptation_is_returned() -> None:
    """Following ends when the version decides, and each look is shown."""
    platform = FakePlatform()
    adaptation = platform.adapt(oam.ADAPTATION_KIND_INITIAL, "operator:me")
    seen: list[int] = []
    done = follow(
        platform.peers,
        adaptation.adaptation_id,
        on_look=lambda one: seen.append(one.state),
        clock=TickingClock(),
    )
    assert done.to_version == 1
    assert seen == [oam.ADAPTATION_STATE_COMPLETED]


@pytest.mark.parametrize(
    ("state", "word"),
    [(oam.ADAPTATION_STATE_FAILED, "failed"), (oam.ADAPTATION_STATE_REJECTED, "rejected")],
)
def test_adaptation_that_ends_badly_is_an_error(state: int, word: str) -> None:
    """A failed or rejected adaptation raises with the OAM's own words."""
    with pytest.raises(CommandError, match=f"ended {word}: the job was lost"):
        follow(stuck(state, "the job was lost"), "a1", on_look=lambda _: None, clock=TickingClock())


def test_adaptation_that_never_ends_is_given_up() -> None:
    """After the timeout the caller is told where to look."""
    with pytest.raises(CommandError, match=r"within 5 s; see 'aimlctl lifecycle show'"):
        follow(
            stuck(oam.ADAPTATION_STATE_ACTIVATING),
            "a1",
            on_look=lambda _: None,
            clock=TickingClock(),
            timeout_s=5.0,
        )


def test_function_that_comes_back_is_asked_again() -> None:
    """While a function does not answer the call is repeated; its answer is returned."""
    failures = [Unavailable("away", reason="PEER_UNAVAILABLE")] * 3

    def call() -> str:
        if failures:
            raise failures.pop()
        return "here"

    assert patiently(call, clock=ManualClock()) == "here"


def test_patience_ends() -> None:
    """A function that stays away is an error once the time is over."""

    def call() -> str:
        raise Unavailable("away", reason="PEER_UNAVAILABLE")

    with pytest.raises(Unavailable, match="away"):
        patiently(call, clock=TickingClock(), timeout_s=2.0)


def test_refusal_is_not_repeated() -> None:
    """What a function refuses is raised at once."""
    calls = []

    def call() -> str:
        calls.append(1)
        raise NotFound("no such thing", reason="RESOURCE_NOT_FOUND")

    with pytest.raises(NotFound):
        patiently(call, clock=TickingClock())
    assert len(calls) == 1


def test_every_page_is_read() -> None:
    """Pages are asked for until there is no next one."""
    pages = {"": ([1, 2], "b"), "b": ([3], "c"), "c": ([], "")}

    def call(request: Any) -> Any:
        items, token = pages[request.page_token]
        assert request.page_size == PAGE_SIZE
        return SimpleNamespace(items=items, next_page_token=token)

    assert list(every_page(call, SimpleNamespace(page_token=""), "items")) == [1, 2, 3]


def test_every_sequence_is_read() -> None:
    """A full page is followed by the next, from the last item's sequence on."""
    total = PAGE_SIZE + 5

    def call(request: Any) -> Any:
        numbers = range(request.after_sequence + 1, total + 1)[:PAGE_SIZE]
        return SimpleNamespace(steps=[SimpleNamespace(sequence=number) for number in numbers])

    request = service.ListLifecycleStepsRequest()
    items = list(every_sequence(call, request, "steps"))
    assert [item.sequence for item in items] == list(range(1, total + 1))
