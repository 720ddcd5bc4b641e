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
    assert (document["seed"], document["samples"]) == (9, 2)
    assert document["methods"].keys() == MARGINED.keys()
    for tuned in document["methods"].values():
        assert len(tuned["margin"]["factor"]) == 6
        assert set(tuned["margin"]["factor"]) <= set(FACTORS)
