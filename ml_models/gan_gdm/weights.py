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


_CALIBRATED = ("reliability.", "confidence.")


def load_weights(
    path: Path,
    sampler: Sampler,
    discriminator: Discriminator | None = None,
    *,
    calibrated: bool = True,
) -> None:
    """Fills the modules from a file that `save_weights` wrote.

    Args:
        path: the file.
        sampler: to be filled.
        discriminator: likewise, if given.
        calibrated: whether to take the calibration, too; without it reliability and confidence are
            left as they are and may be of another make.

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
        if not calibrated:
            own = {name: value for name, value in own.items() if not name.startswith(_CALIBRATED)}
            fresh = module.state_dict()
            own |= {name: fresh[name] for name in fresh if name.startswith(_CALIBRATED)}
        try:
            module.load_state_dict(own)
        except RuntimeError as error:
            raise ConfigError(
                f"the weights in {path} do not fit this network; use the parent's network "
                f"configuration ({error})"
            ) from error
