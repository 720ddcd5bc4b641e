"""Labelled data sets."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ml_models.datasets.labelled import (
    BLOCK,
    CODE,
    DatasetSpec,
    LabelledScenarios,
    code_digest,
    digest,
    generate,
    join,
    load,
    make,
    read_manifest,
    save,
    take,
)
from ml_models.datasets.scenarios import ScenarioProfile, Split
from radio_math.context import ContextError
from radio_math.secrecy import quota_respected, sum_secrecy_rate

PROFILE = ScenarioProfile(geometry="mixed")


@pytest.fixture(scope="module")
def scenarios() -> LabelledScenarios:
    """Two blocks, the second of them cut short."""
    return generate(PROFILE, BLOCK + 6, 51)


def test_labels_are_decisions_on_the_estimates(scenarios: LabelledScenarios) -> None:
    """Their rate is that of the label on the estimated context, within quota and budget."""
    context = scenarios.contexts.estimated
    rate = sum_secrecy_rate(context, scenarios.label)
    np.testing.assert_allclose(scenarios.label_rate_bps_hz, rate)
    assert quota_respected(scenarios.label, 4, 4).all()
    assert len(scenarios) == BLOCK + 6


def test_workers_change_nothing(scenarios: LabelledScenarios) -> None:
    """Two processes give what one gives, and progress ends at one."""
    told: list[float] = []
    parallel = generate(PROFILE, BLOCK + 6, 51, processes=2, on_progress=told.append)
    assert digest(parallel) == digest(scenarios)
    assert told == [0.5, 1.0]


def test_stored_set_comes_back(scenarios: LabelledScenarios, tmp_path: Path) -> None:
    """Tensors in single precision and the manifest survive."""
    path = tmp_path / "set.safetensors"
    written = save(scenarios, path, profile=PROFILE, seed=51)
    stored, manifest = load(path)
    assert manifest == written
    assert manifest["profile"]["geometry"] == "mixed"
    assert digest(stored) == digest(scenarios) == manifest["digest"]


def test_changed_set_is_refused(scenarios: LabelledScenarios, tmp_path: Path) -> None:
    """A set that is not what its manifest says does not load, nor one without manifest."""
    path = tmp_path / "set.safetensors"
    save(scenarios, path, profile=PROFILE, seed=51)
    stored, _ = load(path)
    stored.label.carrier[0, 0] = (stored.label.carrier[0, 0] + 1) % 4
    forged = tmp_path / "forged.safetensors"
    save(stored, forged, profile=PROFILE, seed=51)
    tensors = load_file(forged)
    save_file(tensors, tmp_path / "bare.safetensors")
    with pytest.raises(ContextError, match="no manifest"):
        load(tmp_path / "bare.safetensors")
    content = path.read_bytes()
    path.write_bytes(content[:-64] + bytes(64))
    with pytest.raises(ContextError, match="digest of its manifest"):
        load(path)


def test_parts_join_in_order(scenarios: LabelledScenarios) -> None:
    """Cut and joined again a set is the same set."""
    parts = [take(scenarios, slice(0, 10)), take(scenarios, slice(10, None))]
    assert digest(join(parts)) == digest(scenarios)
    assert digest(parts[0]) != digest(scenarios)


def test_manifest_says_what_the_set_was_made_from(
    scenarios: LabelledScenarios, tmp_path: Path
) -> None:
    """Specification, code and digest; never a date, so that the same set is the same bytes."""
    paths = [tmp_path / "one.safetensors", tmp_path / "two.safetensors"]
    for path in paths:
        save(scenarios, path, profile=PROFILE, seed=51, split=Split.TEST)
    manifest = read_manifest(paths[0])
    assert manifest.keys() == {
        "profile", "count", "seed", "split", "code_version", "code_digest", "digest"
    }  # fmt: skip
    assert manifest["split"] == "test"
    assert manifest["code_digest"] == code_digest()
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_splits_share_nothing() -> None:
    """One seed draws other scenarios in every split."""
    drawn = [generate(PROFILE, 2, 51, split=split) for split in Split]
    first = [one.contexts.true.gain_per_w[0] for one in drawn]
    assert not any(np.allclose(a, b) for a, b in ((first[0], first[1]), (first[1], first[2])))
    assert not np.allclose(first[0], first[2])


def test_made_set_is_the_generated_one(scenarios: LabelledScenarios, tmp_path: Path) -> None:
    """What `make` writes is what `generate` gives, and no block is left beside it."""
    path = tmp_path / "set.safetensors"
    told: list[float] = []
    spec = DatasetSpec(PROFILE, BLOCK + 6, 51)
    manifest = make(path, spec, on_progress=told.append)
    assert manifest["digest"] == digest(scenarios)
    assert told == [0.0, 0.5, 1.0]
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_waiting_blocks_of_another_set_are_refused(tmp_path: Path) -> None:
    """Going on with blocks of another seed would mix two sets."""
    path = tmp_path / "set.safetensors"
    folder = tmp_path / "set.safetensors.blocks"
    folder.mkdir()
    few = generate(PROFILE, 2, 52)
    save(few, folder / "00000.safetensors", profile=PROFILE, seed=52)
    with pytest.raises(ContextError, match="another data set"):
        make(path, DatasetSpec(PROFILE, 2, 53))
    assert not path.exists()


def test_empty_set_is_refused() -> None:
    """A set has at least one scenario."""
    with pytest.raises(ContextError, match="at least one"):
        DatasetSpec(PROFILE, 0, 1)


def test_code_digest_covers_all_code_that_draws_and_labels() -> None:
    """Whatever drawing and searching import of this project is in the digest."""
    script = """
import sys, ml_models.baselines.exhaustive, ml_models.datasets.scenarios
print(*(name for name in sys.modules if name.startswith(("ml_models.", "radio_math."))))
"""
    listed = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    packages = {"ml_models.baselines", "ml_models.datasets"}
    assert set(listed.stdout.split()) - packages == {module.__name__ for module in CODE}
