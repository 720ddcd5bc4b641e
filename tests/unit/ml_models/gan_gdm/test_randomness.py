"""The random streams of a training."""

import torch

from ml_models.gan_gdm.randomness import RandomStreams

CPU = torch.device("cpu")


def draws(streams: RandomStreams) -> dict[str, list[float]]:
    """A few numbers of each stream."""
    return {name: torch.rand(4, generator=one).tolist() for name, one in vars(streams).items()}


def test_processes_share_all_but_their_own_stream() -> None:
    """They agree on the order of examples and on steps, and draw noise of their own."""
    first, second = (draws(RandomStreams(7, rank, CPU)) for rank in (0, 1))
    assert first["shared"] == second["shared"]
    assert first["host"] == second["host"]
    assert first["own"] != second["own"]


def test_streams_of_a_seed_are_its_own_and_apart() -> None:
    """The same seed draws the same, another one nothing of it; no stream is another's."""
    first, again, other = (draws(RandomStreams(seed, 0, CPU)) for seed in (7, 7, 8))
    assert first == again
    drawn = [tuple(numbers) for numbers in (*first.values(), *other.values())]
    assert len(set(drawn)) == 6


def test_streams_go_on_where_their_state_was_taken() -> None:
    """Through a checkpoint, whatever was drawn in between."""
    streams = RandomStreams(7, 0, CPU)
    draws(streams)
    state = streams.state()
    expected = draws(streams)
    streams.restore(state)
    assert draws(streams) == expected
