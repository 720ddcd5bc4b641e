"""Tests of the watermark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_nf.watermark import Watermark
from nf_runtime.errors import Internal


def test_moves_only_over_finished_ones() -> None:
    """While an earlier one is open, later ones do not count."""
    mark = Watermark(10)
    for sequence in (11, 12, 13):
        assert mark.deliver(sequence)
    assert mark.finish(12) == 10
    assert mark.finish(13) == 10
    assert mark.unfinished_count == 1
    assert mark.after(11) == 13
    assert mark.value == 10
    assert mark.finish(11) == 13


def test_a_gap_at_the_sender_is_passed() -> None:
    """What was never delivered does not hold the watermark back."""
    mark = Watermark(0)
    mark.deliver(51)
    assert mark.finish(51) == 51


def test_a_sequence_is_delivered_once() -> None:
    """A repeated stream hands out nothing again, be it open, finished or passed."""
    mark = Watermark(5)
    assert not mark.deliver(5)
    assert mark.deliver(6)
    assert not mark.deliver(6)
    assert mark.deliver(7)
    mark.finish(7)
    assert not mark.deliver(7)
    mark.finish(6)
    assert not mark.deliver(6)


def test_finishing_what_was_not_delivered_is_a_defect() -> None:
    """It is said, not ignored."""
    with pytest.raises(Internal):
        Watermark(0).finish(1)


@given(st.sets(st.integers(1, 60), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_never_passes_an_open_one_and_ends_at_the_last(sequences: set[int], random: object) -> None:
    """In any order of finishing: nothing open is passed, and at the end all is."""
    mark = Watermark(0)
    for sequence in sorted(sequences):
        mark.deliver(sequence)
    finishing = sorted(sequences)
    random.shuffle(finishing)  # type: ignore[attr-defined]
    still_open = set(sequences)
    before = 0
    for sequence in finishing:
        promised = mark.after(sequence)
        still_open.discard(sequence)
        assert mark.finish(sequence) == promised >= before
        assert all(value > promised for value in still_open)
        before = promised
    assert before == max(sequences)
