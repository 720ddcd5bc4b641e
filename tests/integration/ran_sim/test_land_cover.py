"""Land cover from files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nf_runtime.errors import InvalidArgument
from ran_sim.land_cover import land_and_sea, read_land_cover

LEGEND: dict[str, Any] = {
    "classes": {"10": "trees", "80": "water", "50": "built"},
    "north_deg": 48.0,
    "west_deg": 11.0,
    "latitude_step_deg": 0.1,
    "longitude_step_deg": 0.2,
    "source": "a survey",
}


def written(folder: Path, codes: np.ndarray, **changes: object) -> Path:
    """A raster and its legend."""
    path = folder / "cover.npy"
    np.save(path, codes)
    path.with_suffix(".json").write_text(json.dumps(LEGEND | changes), encoding="utf-8")
    return path


def test_the_mask_of_the_itu_maps_knows_land_from_sea() -> None:
    """Munich, Denver and the Sahara are land; the Atlantic, the Pacific and the Baltic are not."""
    cover = land_and_sea()
    codes = cover.codes_at(
        [48.1, 39.7, 23.0, 30.0, 0.0, 57.0], [11.6, -105.0, 10.0, -40.0, 210.0, 19.8]
    )
    assert [cover.classes[code] for code in codes] == ["land"] * 3 + ["sea"] * 3


def test_a_raster_of_ones_own_is_read_with_its_legend(tmp_path: Path) -> None:
    """Codes become indices into the legend's names."""
    cover = read_land_cover(written(tmp_path, np.array([[10, 80], [50, 10]])))
    assert cover.classes == ("trees", "water", "built")
    codes = cover.codes_at([48.0, 48.0, 47.9, 47.9], [11.0, 11.2, 11.0, 11.2])
    assert [cover.classes[code] for code in codes] == ["trees", "water", "built", "trees"]
    assert cover.source == "a survey"


@pytest.mark.parametrize(
    ("codes", "changes", "named"),
    [
        (np.array([[99]]), {}, r"codes \[99\]"),
        (np.array([[1.5]]), {}, "whole numbers"),
        (np.array([10]), {}, "rows and columns"),
        (np.array([[10]]), {"classes": {}}, "classes"),
        (np.array([[10]]), {"classes": {"ten": "trees"}}, "keys of classes"),
        (np.array([[10]]), {"north_deg": "48"}, "north_deg"),
        (np.array([[10]]), {"latitude_step_deg": -0.1}, "latitude_step_deg"),
    ],
)
def test_unusable_rasters_are_refused(
    tmp_path: Path, codes: np.ndarray, changes: dict[str, Any], named: str
) -> None:
    """One sentence that says what is wrong."""
    with pytest.raises(InvalidArgument, match=named):
        read_land_cover(written(tmp_path, codes, **changes))


def test_missing_and_broken_files_are_refused(tmp_path: Path) -> None:
    """Legend or raster, the sentence names the file."""
    with pytest.raises(InvalidArgument, match=r"cover\.json"):
        read_land_cover(tmp_path / "cover.npy")
    path = written(tmp_path, np.array([[10]]))
    path.write_bytes(b"no array")
    with pytest.raises(InvalidArgument, match=r"cover\.npy"):
        read_land_cover(path)
