"""Where a training runs: a processor or an NVIDIA GPU.

Kernels on a GPU are held to the deterministic ones, so that the same configuration gives the same
weights on the same kind of GPU with the same version of torch. The training uses no operation that
torch lists as having none: its gathers go backward through sorted sums, and it needs no cumulative
sum in floating point. Were one added, torch would name it in a warning and go on.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ml_models.gan_gdm.config import ConfigError

DEVICES = ("cpu", "cuda", "auto")
# cuBLAS sums in a fixed order only with a workspace of its own; read when it is first used.
_CUBLAS_VARIABLE, _CUBLAS_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


def chosen_device(name: str) -> torch.device:
    """The device of this name; "auto" is a GPU if there is one.

    Raises:
        ConfigError: no such name, or no such device in this machine.
    """
    if name not in DEVICES:
        raise ConfigError(f"{name!r} is no device; choose one of {', '.join(DEVICES)}")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ConfigError(
            "there is no usable NVIDIA GPU in this machine, or torch was built without CUDA; "
            "train with --device cpu, or auto to take a GPU where there is one"
        )
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def device_name(device: torch.device) -> str:
    """What a model card calls the device."""
    if device.type == "cpu":
        return "cpu"
    return f"{device.type} ({torch.cuda.get_device_name(device)})"


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Has torch take deterministic kernels on a GPU; on a processor they are anyway."""
    if device.type == "cpu":
        yield
        return
    os.environ.setdefault(_CUBLAS_VARIABLE, _CUBLAS_WORKSPACE)
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=before, warn_only=warn_only)
