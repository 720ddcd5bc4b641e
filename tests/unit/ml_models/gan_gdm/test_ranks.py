"""A process among those of a training. What several do together is tested in integration."""

import pytest
import torch
from torch import nn

from ml_models.gan_gdm.config import ConfigError
from ml_models.gan_gdm.ranks import Ranks, joined


def test_alone_everything_is_ones_own() -> None:
    """Without torchrun there is one process, which is the first and takes all."""
    with joined("cpu", {}) as (ranks, device):
        assert (ranks, device) == (Ranks(), torch.device("cpu"))
    assert ranks.first
    rows = torch.arange(6)
    assert torch.equal(ranks.part(rows), rows)
    assert ranks.from_first(3) == 3
    assert ranks.of_all(3) == [3]
    module = nn.Linear(2, 2)
    assert ranks.averaging(module) is module
    ranks.check_same(module)


def test_batches_are_shared_out() -> None:
    """Every row goes to one process; a batch that leaves a rest is refused."""
    parts = [Ranks(rank, 3).part(torch.arange(6)).tolist() for rank in range(3)]
    assert parts == [[0, 3], [1, 4], [2, 5]]
    Ranks(0, 3).check_shares(6, "the batch")
    with pytest.raises(ConfigError, match=r"the batch is 7, .* give a multiple of 3"):
        Ranks(0, 3).check_shares(7, "the batch")


def test_there_are_no_more_processes_than_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one too many is told before anything starts."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    environ = {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}
    with pytest.raises(ConfigError, match="there are 1 GPUs"), joined("cuda", environ):
        pytest.fail("it joined")
