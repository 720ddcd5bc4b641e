"""Free ports, and the lock of a state directory."""

import os
import random
import socket
from pathlib import Path

from aimlctl.lock import SupervisorLock
from aimlctl.ports import choose_ports

HOST = "127.0.0.1"


def test_ports_are_free_and_different() -> None:
    """As many ports as asked for, no two the same, each free to be bound."""
    ports = choose_ports([0] * 20, rng=random.Random(1), host=HOST)
    assert len(set(ports)) == 20
    for port in ports:
        with socket.socket() as probe:
            probe.bind((HOST, port))


def test_preferred_port_is_taken_where_it_is_free() -> None:
    """A preferred port is chosen if it is free, another one if not."""
    (free,) = choose_ports([0], rng=random.Random(2), host=HOST)
    assert choose_ports([free], rng=random.Random(3), host=HOST) == [free]
    with socket.socket() as holder:
        holder.bind((HOST, free))
        holder.listen()
        (other,) = choose_ports([free], rng=random.Random(3), host=HOST)
    assert other != free


def test_ports_stay_below_those_of_outgoing_connections() -> None:
    """No port comes out of the range that the kernel lends to outgoing connections."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = choose_ports([0] * 50, rng=random.Random(4), host=HOST)
    assert all(port < lowest for port in ports) or lowest < 25_000


def test_lock_is_held_by_one_supervisor(tmp_path: Path) -> None:
    """While it is held, nobody else takes it, and its holder's pid can be read."""
    first, second = SupervisorLock(tmp_path), SupervisorLock(tmp_path)
    assert second.holder() is None
    assert first.take()
    assert not second.take()
    assert second.holder() == os.getpid()
    first.release()
    assert second.holder() is None
    assert second.take()
    second.release()


def test_lock_of_a_folder_that_does_not_exist_is_free(tmp_path: Path) -> None:
    """Where nothing was ever started, nobody holds the lock."""
    assert SupervisorLock(tmp_path / "nowhere").holder() is None
