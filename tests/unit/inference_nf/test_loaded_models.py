"""Tests of the set of loaded models."""

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support.tiny_models import tiny_version

from inference_nf.loaded_models import ModelSet, WantedModel
from inference_nf.releases import ModelKey
from nf_runtime.errors import FailedPrecondition, NotFound

MODELS = {version: WantedModel(tiny_version(version).release, None) for version in range(1, 7)}
VERSIONS = st.sampled_from(sorted(MODELS))
MOST = 3
PAIR = tuple(replace(MODELS[version], group="pair") for version in (5, 6))


def key(version: int) -> ModelKey:
    """The key of a version of the tests."""
    return MODELS[version].key


def loaded(*versions: int, most: int = MOST) -> ModelSet:
    """A set after loading these versions."""
    models = ModelSet()
    for version in versions:
        models = models.with_loaded(MODELS[version], most=most)
    return models


def versions(models: ModelSet) -> list[int]:
    """The versions of the set, oldest first."""
    return [model.key.version for model in models.models]


def test_the_oldest_spare_version_makes_room() -> None:
    """A load past the bound frees the oldest version that neither decides nor decided before."""
    models = loaded(1, 2, 3).with_active(key(1)).with_active(key(2))
    models = models.with_loaded(MODELS[4], most=MOST)
    assert versions(models) == [1, 2, 4]
    assert (models.active, models.previous) == (key(2), key(1))


def test_the_previous_version_makes_room_last() -> None:
    """With no spare version the previous one is freed, never the active one."""
    models = loaded(1, 2, most=2).with_active(key(1)).with_active(key(2))
    models = models.with_loaded(MODELS[3], most=2)
    assert versions(models) == [2, 3]
    assert (models.active, models.previous) == (key(2), None)


def test_loading_again_makes_a_version_the_youngest_and_frees_nobody() -> None:
    """A version that is loaded again is there once."""
    assert versions(loaded(1, 2, 3, 1)) == [2, 3, 1]


def test_activation_remembers_who_decided_before() -> None:
    """Going back and forth swaps active and previous."""
    models = loaded(1, 2).with_active(key(1)).with_active(key(2)).with_active(key(1))
    assert (models.active, models.previous) == (key(1), key(2))


def test_deactivation_keeps_the_way_back() -> None:
    """Who decided is the previous one after a deactivation, and stays it for the next active."""
    models = loaded(1, 2).with_active(key(1)).without_active()
    assert (models.active, models.previous) == (None, key(1))
    assert models.with_active(key(2)).previous == key(1)
    assert models.with_active(key(1)).previous is None


def test_a_group_makes_room_as_one() -> None:
    """Where one of its members would have to leave, all of them do."""
    models = loaded(1).with_active(key(1)).with_loaded(*PAIR, most=MOST)
    assert versions(models) == [1, 5, 6]
    assert versions(models.with_loaded(MODELS[2], most=MOST)) == [1, 2]


def test_a_group_in_force_stays_as_one() -> None:
    """With the member that decides all others stay; what has no room beside them is not loaded."""
    models = loaded(1).with_loaded(*PAIR, most=MOST).with_active(key(5))
    assert versions(models.with_loaded(MODELS[2], most=MOST)) == [5, 6, 2]
    with pytest.raises(FailedPrecondition, match=r"models\.max_loaded to 4") as caught:
        models.with_loaded(MODELS[2], MODELS[3], most=MOST)
    assert caught.value.reason == "STATE_FORBIDS"
    with pytest.raises(FailedPrecondition, match="decides"):
        models.without(key(6))


def test_activating_again_changes_nothing() -> None:
    """Activation is idempotent."""
    models = loaded(1, 2).with_active(key(1)).with_active(key(2))
    assert models.with_active(key(2)) == models


def test_what_is_not_loaded_cannot_decide_or_leave() -> None:
    """Both are NOT_FOUND."""
    with pytest.raises(NotFound, match="gan-gdm version 2 is not loaded"):
        loaded(1).with_active(key(2))
    with pytest.raises(NotFound):
        loaded(1).without(key(2))


def test_the_active_version_cannot_leave() -> None:
    """Unloading it is refused with what to do instead."""
    with pytest.raises(FailedPrecondition, match="activate another version first") as caught:
        loaded(1).with_active(key(1)).without(key(1))
    assert caught.value.reason == "STATE_FORBIDS"


def test_a_version_that_cannot_be_had_leaves_even_if_active() -> None:
    """After a failed restoration nobody decides."""
    models = loaded(1, 2).with_active(key(1)).without_failed(key(1))
    assert (versions(models), models.active) == ([2], None)
    assert models.without_failed(key(5)) == models


def sorted_last(models: tuple[WantedModel, ...], version: int) -> list[WantedModel]:
    """The same with the one of that version at the end."""
    return sorted(models, key=lambda model: model.key.version == version)


class ModelSetMachine(RuleBasedStateMachine):
    """Loads, activations, deactivations and unloads in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.models = ModelSet()

    @rule(version=VERSIONS)
    def load(self, version: int) -> None:
        """The newly loaded one is there, and whoever decides still does."""
        active = self.models.active
        arriving = PAIR if version in (5, 6) else (MODELS[version],)
        self.models = self.models.with_loaded(*sorted_last(arriving, version), most=MOST)
        assert self.models.models[-1].key == key(version)
        assert self.models.active == active

    @rule(version=VERSIONS)
    def activate(self, version: int) -> None:
        """It decides if it is loaded."""
        if self.models.find(key(version)) is None:
            with pytest.raises(NotFound):
                self.models.with_active(key(version))
            return
        self.models = self.models.with_active(key(version))
        assert self.models.active == key(version)

    @rule()
    def deactivate(self) -> None:
        """Nobody decides."""
        self.models = self.models.without_active()
        assert self.models.active is None

    @rule(version=VERSIONS)
    def unload(self, version: int) -> None:
        """It is gone, unless it decides or is not there."""
        try:
            self.models = self.models.without(key(version))
        except (NotFound, FailedPrecondition):
            return
        assert self.models.find(key(version)) is None

    @invariant()
    def a_group_is_there_as_one(self) -> None:
        """Both members, or neither."""
        assert (self.models.find(key(5)) is None) == (self.models.find(key(6)) is None)

    @invariant()
    def active_and_previous_are_loaded_and_differ(self) -> None:
        """A version that is not in memory never decides, nor is it the way back."""
        there = [model.key for model in self.models.models]
        assert len(there) == len(set(there)) <= MOST
        for special in (self.models.active, self.models.previous):
            assert special is None or special in there
        assert self.models.active is None or self.models.active != self.models.previous


TestModelSetMachine = ModelSetMachine.TestCase
