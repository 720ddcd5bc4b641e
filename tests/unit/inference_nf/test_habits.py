"""Tests of learning from an engine's runs and from those who ask for them."""

import math

from inference_nf.habits import Crowd, Habits


def looks(crowd: Crowd, callers: int, *, together: int) -> int:
    """How many of so many callers are looked for company for, each look finding so many."""
    taken = 0
    for _ in range(callers):
        if crowd.is_likely():
            taken += 1
            crowd.observe(together)
    return taken


def test_there_is_a_look_for_each_caller_as_long_as_it_finds_others() -> None:
    """Now and then one in vain changes nothing."""
    crowd = Crowd()
    assert looks(crowd, 100, together=2) == 100
    for _ in range(20):
        assert looks(crowd, 3, together=1) == 3
        assert looks(crowd, 1, together=5) == 1


def test_looks_in_vain_become_rare_and_never_end() -> None:
    """A caller who is always alone is kept up once in 512 calls; company brings all looks back."""
    crowd = Crowd()
    assert looks(crowd, 1_000, together=1) < 12
    assert looks(crowd, 5 * 513, together=1) == 5
    while not crowd.is_likely():
        pass
    crowd.observe(3)
    assert looks(crowd, 100, together=3) == 100


def test_the_least_of_a_batch_is_what_it_took_or_its_contexts_one_by_one() -> None:
    """Until a run of that size says otherwise."""
    habits = Habits()
    assert habits.least_s(1) == math.inf
    habits.observe(1, 0.1)
    assert habits.least_s(4) == 0.4
    habits.observe(4, 0.2)
    assert (habits.least_s(1), habits.least_s(4)) == (0.1, 0.2)
    assert habits.pace.expected_s > 0.1
