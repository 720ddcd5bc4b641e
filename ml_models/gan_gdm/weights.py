"""The weights of a version: sampler and critic in one safetensors file, which cannot run code."""

from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file

from ml_models.gan_gdm.config import ConfigError
from ml_models.gan_gdm.network import Discriminator
from ml_models.gan_gdm.sampler import Sampler


def save_weights(sampler: Sampler, discriminator: Discriminator, path: Path) -> None:
    """Writes sampler and discriminator, both on the processor, as one safetensors file."""
    tensors = {f"sampler.{name}": value for name, value in sampler.state_dict().items()}
    critic = discriminator.state_dict()
    tensors |= {f"discriminator.{name}": value for name, value in critic.items()}
    partial = path.with_suffix(".partial")
    save_file({name: value.contiguous() for name, value in tensors.items()}, partial)
    partial.replace(path)


CALIBRATED = ("reliability.", "confidence.")
"""How the names of what is fitted to a trained sampler begin."""

LEARNED_BESIDE = ("generator.expectation.",)
"""And of what a training may add to a parent that had none."""


def load_weights(
    path: Path,
    sampler: Sampler,
    discriminator: Discriminator | None = None,
    *,
    optional: tuple[str, ...] = (),
) -> None:
    """Fills the modules from a file that `save_weights` wrote.

    Args:
        path: the file.
        sampler: to be filled.
        discriminator: likewise, if given.
        optional: how names of the sampler begin that are taken where they fit and are left as they
            are otherwise, because somebody fits them anew.

    Raises:
        ConfigError: names or shapes do not fit the modules.
    """
    with safe_open(path, framework="pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    for prefix, module in (("sampler.", sampler), ("discriminator.", discriminator)):
        if module is None:
            continue
        own = {
            name.removeprefix(prefix): value
            for name, value in tensors.items()
            if name.startswith(prefix)
        }
        fresh = module.state_dict()
        for name in filter(lambda name: name.startswith(optional), fresh):
            if name not in own or own[name].shape != fresh[name].shape:
                own[name] = fresh[name]
        own = {name: own[name] for name in own if name in fresh or not name.startswith(optional)}
        try:
            module.load_state_dict(own)
        except RuntimeError as error:
            raise ConfigError(
                f"the weights in {path} do not fit this network; use the parent's network "
                f"configuration ({error})"
            ) from error
