"""What covers the ground: the land and sea of the ITU-R maps, or classes of the user's own.

No land-cover map of more than two classes comes with this project. A finer one, such as an extract
of ESA WorldCover, is read from a raster of codes and a legend beside it (`read_land_cover`).
"""

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nf_runtime.errors import FailedPrecondition, InvalidArgument

Codes = npt.NDArray[np.uint8]

_MASK_FILE = Path("data", "453", "v12_landsea_mask.npz")
_MASK_STEP_DEG = 0.75
_MAX_CODE = 255
_LEGEND_NUMBERS = ("north_deg", "west_deg", "latitude_step_deg", "longitude_step_deg")


@dataclass(frozen=True)
class LandCover:
    """A raster of classes on a regular grid of latitudes and longitudes.

    Attributes:
        classes: names by code; a code is an index into them.
        raster: [rows, columns] codes, from north to south and from west to east.
        north_deg: latitude of the points of the first row.
        west_deg: longitude of the points of the first column.
        latitude_step_deg: between rows, positive.
        longitude_step_deg: between columns, positive.
        source: where it comes from.
    """

    classes: tuple[str, ...]
    raster: Codes
    north_deg: float
    west_deg: float
    latitude_step_deg: float
    longitude_step_deg: float
    source: str

    def codes_at(self, latitude_deg: Any, longitude_deg: Any) -> Codes:
        """Codes [...] of the nearest points of the raster to places [...].

        Raises:
            InvalidArgument: a place lies more than half a step outside of the raster.
        """
        rows, columns = self.raster.shape
        row = np.rint((self.north_deg - np.asarray(latitude_deg)) / self.latitude_step_deg)
        # Half a step west of the first column still belongs to it, wherever the turn is counted.
        margin = self.longitude_step_deg / 2
        east = (np.asarray(longitude_deg) - self.west_deg + margin) % 360.0 - margin
        column = np.rint(east / self.longitude_step_deg)
        outside = (row < 0) | (row >= rows) | (column >= columns)
        if np.any(outside):
            raise InvalidArgument(
                f"The land cover of {self.source} does not reach all places asked for; its rows "
                f"go from latitude {self.north_deg:g} {rows * self.latitude_step_deg:g} degrees "
                f"south, its columns from longitude {self.west_deg:g} "
                f"{columns * self.longitude_step_deg:g} degrees east.",
                reason="INVALID_FIELD",
                field="land_cover",
            )
        return np.asarray(self.raster[row.astype(np.intp), column.astype(np.intp)])


def land_and_sea() -> LandCover:
    """Two classes, sea and land, every 0.75 degrees over the whole Earth.

    Source: ITU-R P.453-13.
    Not modelled: lakes and islands of less than some 80 km, everything that grows or is built.

    Raises:
        FailedPrecondition: the package that holds the ITU-R's maps is not installed.
    """
    # Finding the package's folder does not run it; its code takes seconds to import.
    package = find_spec("itur")
    if package is None or not package.submodule_search_locations:
        raise FailedPrecondition(
            "The ITU-R maps are not installed; install them with: pip install 'aimlnf[serve]'",
            reason="UNAVAILABLE_DATA",
        )
    with np.load(Path(package.submodule_search_locations[0]) / _MASK_FILE) as archive:
        mask = archive["arr_0"]
    return LandCover(
        classes=("sea", "land"),
        raster=mask.astype(np.uint8),
        north_deg=90.0,
        west_deg=0.0,
        latitude_step_deg=_MASK_STEP_DEG,
        longitude_step_deg=_MASK_STEP_DEG,
        source="ITU-R P.453 land-sea mask",
    )


def read_land_cover(path: Path) -> LandCover:
    """The land cover of a `.npy` raster of integer codes with a legend of the same name in `.json`.

    The legend: `{"classes": {"10": "tree cover", ...}, "north_deg": ..., "west_deg": ...,
    "latitude_step_deg": ..., "longitude_step_deg": ..., "source": "..."}`; north and west are those
    of the middle of the first cell. Codes are renumbered in the legend's order.

    Raises:
        InvalidArgument: a file cannot be read, the legend lacks something, or the raster holds a
            code that the legend does not name.
    """
    legend = _legend(path.with_suffix(".json"))
    try:
        codes = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise _wrong(path, f"cannot be read as a .npy array ({error})") from error
    if codes.ndim != 2 or not np.issubdtype(codes.dtype, np.integer):  # noqa: PLR2004 - rows, columns
        raise _wrong(path, "should hold whole numbers in rows and columns")
    named = {int(code): name for code, name in legend["classes"].items()}
    present, where = np.unique(codes, return_inverse=True)
    unnamed = sorted(set(present.tolist()) - set(named))
    if unnamed:
        raise _wrong(path, f"holds the codes {unnamed[:5]}, which its legend does not name")
    order = {code: index for index, code in enumerate(named)}
    renumbered = np.array([order[code] for code in present.tolist()], dtype=np.uint8)
    return LandCover(
        classes=tuple(named.values()),
        raster=renumbered[where].reshape(codes.shape),
        north_deg=legend["north_deg"],
        west_deg=legend["west_deg"],
        latitude_step_deg=legend["latitude_step_deg"],
        longitude_step_deg=legend["longitude_step_deg"],
        source=str(legend.get("source", path.name)),
    )


def _legend(path: Path) -> dict[str, Any]:
    try:
        legend = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _wrong(path, f"cannot be read as JSON ({error})") from error
    classes = legend.get("classes") if isinstance(legend, dict) else None
    if not isinstance(classes, dict) or not 0 < len(classes) <= _MAX_CODE + 1:
        raise _wrong(path, f"should have classes, an object of 1 to {_MAX_CODE + 1} codes")
    if not all(str(code).lstrip("-").isdecimal() for code in classes):
        raise _wrong(path, "should have whole numbers as the keys of classes")
    for field in _LEGEND_NUMBERS:
        value = legend.get(field)
        if not isinstance(value, int | float) or not np.isfinite(value):
            raise _wrong(path, f"should have a number as {field}")
        if field.endswith("step_deg") and value <= 0:
            raise _wrong(path, f"should have a {field} above zero")
    return dict(legend)


def _wrong(path: Path, what: str) -> InvalidArgument:
    return InvalidArgument(
        f"The land cover file {path.name} {what}.", reason="INVALID_FIELD", field="land_cover"
    )
