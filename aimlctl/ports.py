"""Free TCP ports for the processes of one platform."""

import random
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from aimlctl.output import CommandError

_LOWEST = 20_000
_HIGHEST = 60_000
_TRIES = 2_000
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def choose_ports(preferred: Sequence[int], *, rng: random.Random, host: str) -> list[int]:
    """One free port for each preferred one: the preferred where it is free, 0 asks for any.

    Any port is taken from below the range out of which the kernel serves outgoing connections: a
    process that is started again would else find its port lent to one of them.

    Raises:
        CommandError: no free port was found.
    """
    with ExitStack() as held:
        return [_hold(port, rng=rng, host=host, held=held) for port in preferred]


def _hold(preferred: int, *, rng: random.Random, host: str, held: ExitStack) -> int:
    highest = _highest()
    for attempt in range(_TRIES):
        port = preferred if preferred and attempt == 0 else rng.randrange(_LOWEST, highest)
        holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind((host, port))
        except OSError:
            holder.close()
            continue
        # Held until all are chosen, so that no two are the same.
        held.enter_context(holder)
        return port
    raise CommandError(f"no free TCP port was found on {host} in {_TRIES} tries")


def _highest() -> int:
    try:
        ephemeral = int(_EPHEMERAL_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return _HIGHEST
    return ephemeral if ephemeral > _LOWEST + _TRIES else _HIGHEST
