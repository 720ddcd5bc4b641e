"""Where a training runs."""

import pytest
import torch

from ml_models.gan_gdm.config import ConfigError
from ml_models.gan_gdm.devices import chosen_device, deterministic, device_name


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to give instead; auto takes the processor."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="--device cpu, or auto"):
        chosen_device("cuda")
    assert chosen_device("auto") == chosen_device("cpu") == torch.device("cpu")
    assert device_name(chosen_device("auto")) == "cpu"


def test_auto_takes_the_gpu_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the processor is asked for."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen_device("auto") == chosen_device("cuda") == torch.device("cuda")
    assert chosen_device("cpu") == torch.device("cpu")


def test_another_name_is_no_device() -> None:
    """The names that are follow in the sentence."""
    with pytest.raises(ConfigError, match="choose one of cpu, cuda, auto"):
        chosen_device("tpu")


def test_deterministic_kernels_are_for_the_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU they are asked for, with the workspace that cuBLAS needs, and given up again."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with deterministic(torch.device("cuda")):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    with deterministic(torch.device("cpu")):
        assert not torch.are_deterministic_algorithms_enabled()
