"""What a serving process may import."""

import subprocess
import sys

import pytest

PROBE = "import {module}, sys; sys.exit('torch' in sys.modules)"


@pytest.mark.parametrize(
    "module",
    [
        "ml_models.evaluate",
        "ml_models.comparison",
        "ml_models.comparison_document",
        "ml_models.figure",
        "ml_models.reliability_figures",
        "ml_models.shifts",
        "ml_models.tables",
        "ml_models.datasets.labelled",
        "ml_models.baselines.local_search",
    ],
)
def test_needs_no_torch(module: str) -> None:
    """Baselines, data sets and evaluation run where torch is not installed."""
    done = subprocess.run([sys.executable, "-c", PROBE.format(module=module)], check=False)
    assert done.returncode == 0
