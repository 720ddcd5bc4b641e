"""Worker processes for work that is cut into tasks which do not depend on each other."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def results(
    work: Callable[[Task], Result], tasks: Sequence[Task], processes: int
) -> Iterator[tuple[int, Result]]:
    """The number of each task and its result, as they are finished, in any order.

    Args:
        work: a function that can be pickled.
        tasks: what it is called with.
        processes: worker processes; 1 works in this process.
    """
    if processes == 1 or len(tasks) <= 1:
        for number, task in enumerate(tasks):
            yield number, work(task)
        return
    # Spawned, not forked: the caller may hold threads of torch or gRPC.
    with ProcessPoolExecutor(
        min(processes, len(tasks)), mp_context=get_context("spawn"), initializer=end_with_parent
    ) as pool:
        pending = {pool.submit(work, task): number for number, task in enumerate(tasks)}
        for future in as_completed(pending):
            yield pending[future], future.result()


def end_with_parent() -> None:
    """Has a worker end when its parent does, even killed: its queue would keep it waiting."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    Thread(target=watch, name="parent-watch", daemon=True).start()
