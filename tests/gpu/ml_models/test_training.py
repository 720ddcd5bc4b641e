"""A training on a GPU."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ml_models.datasets.labelled import LabelledScenarios, generate
from ml_models.gan_gdm.batches import labelled_batch, pair_to, torch_pair
from ml_models.gan_gdm.checkpoint import Checkpoints
from ml_models.gan_gdm.config import ConfigError, DataConfig, NetworkConfig, TrainingConfig
from ml_models.gan_gdm.devices import chosen_device, deterministic
from ml_models.gan_gdm.objectives import CriticObjective, DiffusionObjective, SecrecyObjective
from ml_models.gan_gdm.players import Players
from ml_models.gan_gdm.randomness import RandomStreams
from ml_models.gan_gdm.training import TrainingStopped, train

pytestmark = pytest.mark.gpu

TINY = TrainingConfig(
    network=NetworkConfig(
        width=16, layers=1, heads=2, denoising_steps=2, critic_width=16, critic_layers=1
    ),
    data=DataConfig(labelled=40, calibration=70, seed=109),
    diffusion_steps=4,
    secrecy_steps=4,
    diffusion_batch=16,
    secrecy_batch=4,
    ema=0.9,
    keep_best=True,
)


@pytest.fixture(scope="module")
def device() -> torch.device:
    """A GPU."""
    try:
        return chosen_device("cuda")
    except ConfigError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def labelled() -> LabelledScenarios:
    """A few labels."""
    return generate(TINY.data.profile, TINY.data.labelled, TINY.data.seed)


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Whatever would have the host wait for the GPU is an error."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    yield
    torch.cuda.set_sync_debug_mode(before)


def test_the_same_configuration_gives_the_same_weights(
    device: torch.device, labelled: LabelledScenarios, tmp_path: Path
) -> None:
    """Also after an interruption; the model comes back to the processor. No kernel is random."""
    whole = train(TINY, labelled=labelled, device=device).sampler.state_dict()
    assert {value.device.type for value in whole.values()} == {"cpu"}
    kept = Checkpoints(tmp_path, every_steps=2)
    asked = iter([False] * 7 + [True])
    with pytest.raises(TrainingStopped):
        train(
            TINY,
            labelled=labelled,
            device=device,
            checkpoints=kept,
            should_stop=lambda: next(asked),
        )
    again = train(TINY, labelled=labelled, device=device, checkpoints=kept)
    assert all(torch.equal(value, whole[n]) for n, value in again.sampler.state_dict().items())


def test_a_step_does_not_wait_for_the_gpu(
    device: torch.device, labelled: LabelledScenarios, request: pytest.FixtureRequest
) -> None:
    """From the batch to the moved weights, of both networks, in both stages."""
    players = Players(TINY, None, device)
    random = RandomStreams(TINY.seed, 0, device).own
    labels = labelled_batch(labelled).to(device)
    pair = pair_to(torch_pair(labelled.contexts), device)
    optimisers = [
        torch.optim.AdamW(module.parameters(), lr=1e-3)
        for module in (players.sampler.generator, players.critic)
    ]
    diffusion = DiffusionObjective(players.sampler)
    secrecy = SecrecyObjective(players.sampler, players.critic, TINY)
    judging = CriticObjective(players.critic, TINY)

    def step() -> None:
        rows = torch.randperm(len(labelled), generator=random, device=device)[:8]
        batch = labels.rows(rows).renumbered(random)
        players.descend(optimisers[0], diffusion(batch, random))
        loss, _, exhibits = secrecy(pair, batch, players.sampler.steps[0], random)
        players.descend(optimisers[0], loss)
        assert exhibits is not None
        players.descend(optimisers[1], judging(exhibits))
        players.stepped()

    with deterministic(device):
        step()  # loads libraries, which may wait
        request.getfixturevalue("no_waiting")
        step()
