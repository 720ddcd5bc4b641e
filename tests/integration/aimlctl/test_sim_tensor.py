"""``aimlctl sim tensor``: the whole command line, and the files that it writes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.passes import LINE1, LINE2

from aimlctl.__main__ import run
from ran_sim.physics_tensor import Channel


@pytest.fixture
def tle(tmp_path: Path) -> Path:
    """A file with one satellite, 21 degrees above Munich at 10:18."""
    path = tmp_path / "starlink.tle"
    path.write_text(f"STARLINK-2449\n{LINE1}\n{LINE2}\n", encoding="utf-8")
    return path


def arguments(tle: Path, file: str, *more: str) -> list[str]:
    """The arguments of a map of 8 x 8 cells round Munich."""
    return [
        "sim", "tensor", "--tle", str(tle), "--satellite", "48112", "--site", "48.1,11.6",
        "--start", "2022-09-14T10:18:00Z", "--frequency-ghz", "20", "--span-deg", "40",
        "--cells", "8", "--output", str(tle.parent / file), *more,
    ]  # fmt: skip


def document(capsys: pytest.CaptureFixture[str], command: list[str]) -> Any:
    """The JSON document of a command that succeeds."""
    assert run([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_tensor_is_written_and_summed_up(capsys: pytest.CaptureFixture[str], tle: Path) -> None:
    """The file holds what the document says; several instants lie on its first axis."""
    times = ("--end", "2022-09-14T10:18:20Z", "--step-s", "10")
    about = document(capsys, arguments(tle, "t.npz", *times))
    assert len(about["time_utc"]) == 3
    assert about["emitter"] == "STARLINK-2449 (48112)"
    with np.load(tle.parent / "t.npz", allow_pickle=False) as archive:
        values, valid = archive["values"], archive["valid"]
    assert values.shape == (3, 6, 8, 8)
    assert valid.any()
    assert not valid.all()
    loss = values[:, Channel.FREE_SPACE_PATH_LOSS]
    np.testing.assert_array_equal(np.isnan(loss), ~valid)
    assert about["summary"]["free_space_path_loss"]["least"] == pytest.approx(
        float(np.nanmin(loss)), abs=1e-3
    )


def test_json_has_null_where_there_is_no_link(tle: Path) -> None:
    """And is JSON: no NaN in it."""
    assert run(arguments(tle, "t.json")) == 0

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    text = (tle.parent / "t.json").read_text(encoding="utf-8")
    found = json.loads(text, parse_constant=refuse)
    gain = [value for row in found["values"][0][Channel.ANTENNA_GAIN] for value in row]
    assert None in gain
    assert any(value is not None and value > 0 for value in gain)


def test_nothing_is_said_of_a_satellite_below_the_horizon(
    capsys: pytest.CaptureFixture[str], tle: Path
) -> None:
    """An hour before it rises every channel but land cover is empty."""
    about = document(capsys, [*arguments(tle, "t.safetensors"), "--start", "2022-09-14T09:18:00Z"])
    assert about["summary"]["doppler"] == {"unit": "Hz", "least": None, "greatest": None}
    assert about["summary"]["land_cover"]["greatest"] == 1.0


def test_the_plot_is_a_picture(tle: Path) -> None:
    """Its format follows the suffix."""
    picture = tle.parent / "t.png"
    assert run(arguments(tle, "t.npz", "--plot", str(picture), "--coverage", "tapered")) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--frequency-ghz", "20e9"), "--frequency-ghz"),
        (("--output", "t.csv"), "--output"),
        (("--coverage", "wide"), "--coverage"),
        (("--coverage", "hopping", "--steering", "earth_moving"), "earth_fixed"),
        (("--span-deg", "0"), "--span-deg"),
        (("--cells", "5000"), "--cells"),
        (("--cells", "1000", "--end", "2022-09-14T11:18:00Z"), "--step-s"),
        (("--exceedance-percent", "0"), "exceedance_percent"),
        (("--land-cover", "nowhere.npy"), r"nowhere.json"),
        (("--start", "2022-10-14T10:18:00Z"), "--allow-stale"),
        (("--site", "Munich"), "--site"),
        (("--plot", "t.tiff9"), "--plot"),
        (("--output", "/nowhere/t.npz"), "--output"),
    ],
)
def test_wrong_options_are_named(
    capsys: pytest.CaptureFixture[str], tle: Path, more: tuple[str, ...], named: str
) -> None:
    """One sentence on stderr that names the option or field."""
    assert run(arguments(tle, "t.npz", *more)) == 1
    assert named in capsys.readouterr().err
