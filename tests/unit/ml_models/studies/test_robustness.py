"""What can be asked of a robustness study."""

from pathlib import Path

import pytest

from ml_models.studies.robustness import RobustnessConfig


def test_unknown_section_is_refused() -> None:
    """The message lists those that there are."""
    with pytest.raises(ValueError, match="weather is no section; choose from without_report"):
        RobustnessConfig(Path(), sections=("weather",))
