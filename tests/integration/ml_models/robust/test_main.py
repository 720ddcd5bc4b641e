"""`python -m ml_models.robust`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ml_models.robust.__main__ import app
from ml_models.robust.margins import FACTORS
from ml_models.robust.rivals import MARGINED


@pytest.mark.slow
def test_tuning_writes_margins_with_their_curves_and_seed(tmp_path: Path) -> None:
    """Every method has a factor for each power, taken from the ones tried."""
    out = tmp_path / "margins.json"
    done = CliRunner().invoke(app, ["tune", "--out", str(out), "--samples", "2", "--seed", "9"])
    assert done.exit_code == 0, done.output
    document = json.loads(out.read_text())
    assert document["seed"] == 9
    assert document["methods"].keys() == MARGINED.keys()
    for tuned in document["methods"].values():
        assert tuned["samples"] == 2
        assert len(tuned["margin"]["factor"]) == 6
        assert set(tuned["margin"]["factor"]) <= set(FACTORS)


def test_one_method_is_tuned_and_the_others_kept(tmp_path: Path) -> None:
    """What is not named stays as the file has it; a name that is none is refused."""
    out = tmp_path / "margins.json"
    kept = {"seed": 9, "geometry": "reference", "methods": {"exhaustive_margin": {"samples": 5}}}
    out.write_text(json.dumps(kept))
    words = ["tune", "--out", str(out), "--samples", "2", "--seed", "9", "--method"]
    done = CliRunner().invoke(app, [*words, "local_search_margin"])
    assert done.exit_code == 0, done.output
    methods = json.loads(out.read_text())["methods"]
    assert methods["exhaustive_margin"] == {"samples": 5}
    assert methods["local_search_margin"]["samples"] == 2
    assert CliRunner().invoke(app, [*words, "oracle"]).exit_code == 2
