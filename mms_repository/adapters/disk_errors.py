"""What a disk's refusals mean to a client."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from nf_runtime.errors import ResourceExhausted, Unavailable

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_WRITING = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})

T = TypeVar("T")


def told(work: Callable[[], T]) -> Callable[[], T]:
    """The same work, its disk errors raised as `disk_errors_are_told` says."""

    def run() -> T:
        with disk_errors_are_told():
            return work()

    return run


@contextmanager
def disk_errors_are_told() -> Iterator[None]:
    """Within it, a full disk is ResourceExhausted, one that cannot be used Unavailable."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise ResourceExhausted(
                "the artifact store is full; free space, then send it again",
                reason="QUOTA_EXCEEDED",
                retry_after_s="60",
            ) from error
        if error.errno in _NO_WRITING:
            raise Unavailable(
                f"the artifact store cannot be used: {error.strerror}; mend it, then try again",
                reason="PEER_UNAVAILABLE",
                peer="artifact store",
            ) from error
        raise
