"""Worker processes."""

import os
from operator import neg

import pytest

from ml_models.datasets.workers import results


@pytest.mark.parametrize("processes", [1, 2])
def test_every_task_has_its_result(processes: int) -> None:
    """Numbered as the tasks were, whoever did them."""
    assert dict(results(neg, [3, 1, 2], processes)) == {0: -3, 1: -1, 2: -2}


def test_one_process_works_by_itself() -> None:
    """So does a single task, for which no process is started."""
    for tasks, processes in ((["a", "b"], 1), (["a"], 8)):
        assert {pid for _, pid in results(_process_of, tasks, processes)} == {os.getpid()}


def test_no_task_is_no_result() -> None:
    """Nothing is started either."""
    assert list(results(neg, [], 4)) == []


def _process_of(_task: str) -> int:
    return os.getpid()
