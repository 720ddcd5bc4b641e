"""``aimlctl sim``: the whole command line, and the files that it writes."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from support.passes import LINE1, LINE2

from aimlctl.__main__ import run
from ran_sim.validation.reference_file import bundled_reference

TIMES = ("--start", "2022-09-14T08:20:00Z", "--end", "2022-09-14T10:30:00Z")
PLACE = ("--satellite", "48112", "--site", "48.1,11.6,520", "--frequency-ghz", "20")
FREE_LINK = (
    "--altitude-km", "600", "--elevation-deg", "30", "--bandwidth-mhz", "400",
    "--eirp-dbw", "30", "--g-over-t-db-per-k", "15.86",
)  # fmt: skip
GEOMETRY = (
    "range_km", "elevation_deg", "azimuth_deg", "range_rate_km_s", "doppler_hz",
    "doppler_rate_hz_s",
)  # fmt: skip
LOSSES = ("fspl_db", "gas_db", "rain_db", "cloud_db", "scintillation_db", "total_loss_db")


@pytest.fixture
def tle(tmp_path: Path) -> Path:
    """A file with one satellite."""
    path = tmp_path / "starlink.tle"
    path.write_text(f"STARLINK-2449\n{LINE1}\n{LINE2}\n", encoding="utf-8")
    return path


def document(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    """The one JSON document of a command; NaN and infinity would not be read."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    assert run(["sim", *arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out, parse_constant=refuse)


def a_pass(tle: Path, *more: str) -> tuple[str, ...]:
    """The arguments of a pass over Munich."""
    return ("pass", "--tle", str(tle), *PLACE, *TIMES, "--step-s", "20", *more)


@pytest.mark.pitfall(7)
@pytest.mark.parametrize("losses", ["none", "reference", "itu"])
def test_samples_say_nothing_of_losses_below_the_horizon(
    capsys: pytest.CaptureFixture[str], tle: Path, losses: str
) -> None:
    """Geometry is signed and always there; losses are null with visible = false, never 0 dB."""
    samples = document(capsys, *a_pass(tle, "--losses", losses))["samples"]
    assert len(samples) == 391
    assert {sample["visible"] for sample in samples} == {True, False}
    for sample in samples:
        assert sample["visible"] == (sample["elevation_deg"] >= 0)
        assert all(math.isfinite(sample[name]) for name in GEOMETRY)
        if sample["visible"]:
            assert sample["total_loss_db"] >= sample["fspl_db"] > 160
        else:
            assert [sample[name] for name in LOSSES] == [None] * 6


def test_the_models_differ_in_what_they_have(capsys: pytest.CaptureFixture[str], tle: Path) -> None:
    """Rain and clouds belong to the place: only the ITU-R's models have them."""
    highest = {}
    for losses in ("none", "reference", "itu"):
        samples = document(capsys, *a_pass(tle, "--losses", losses))["samples"]
        highest[losses] = max(samples, key=lambda sample: sample["elevation_deg"])
    assert highest["none"]["gas_db"] is None
    assert highest["reference"]["rain_db"] is None
    assert highest["reference"]["gas_db"] > 0.2
    assert highest["itu"]["rain_db"] > 0.5
    assert highest["itu"]["total_loss_db"] > highest["reference"]["total_loss_db"]
    assert len({sample["fspl_db"] for sample in highest.values()}) == 1


def test_the_sky_darkens_with_the_exceedance(capsys: pytest.CaptureFixture[str], tle: Path) -> None:
    """0.01 % of the year is worse weather than 1 %."""
    worst = []
    for percent in ("0.01", "1"):
        samples = document(capsys, *a_pass(tle, "--exceedance-percent", percent))["samples"]
        worst.append(max(sample["rain_db"] or 0.0 for sample in samples))
    assert worst[0] > 5 * worst[1]


@pytest.mark.pitfall(1)
def test_doppler_falls_through_zero_in_every_pass(
    capsys: pytest.CaptureFixture[str], tle: Path
) -> None:
    """Positive before the culmination, negative after it; the pass is listed with its times."""
    found = document(capsys, *a_pass(tle, "--losses", "none"))
    assert found["satellite"]["name"] == "STARLINK-2449"
    assert found["warnings"] == []
    assert found["passes"]
    for one in found["passes"]:
        during = [
            sample
            for sample in found["samples"]
            if one["rise_time_utc"] <= sample["time_utc"] <= one["set_time_utc"]
        ]
        assert all(sample["visible"] for sample in during)
        shifts = [sample["doppler_hz"] for sample in during]
        assert shifts == sorted(shifts, reverse=True)
        assert shifts[0] > 0 > shifts[-1]
        assert all(sample["doppler_rate_hz_s"] < 0 for sample in during)


def test_an_omm_is_as_good_as_two_lines(
    capsys: pytest.CaptureFixture[str], tle: Path, tmp_path: Path
) -> None:
    """The same satellite as JSON is seen at the same places, to a few metres."""
    omm = tmp_path / "starlink.json"
    message = {
        "OBJECT_NAME": "STARLINK-2449",
        "OBJECT_ID": "2021-027W",
        "EPOCH": "2022-09-14T08:28:03.250560",
        "MEAN_MOTION": 15.06396898,
        "ECCENTRICITY": 0.0001354,
        "INCLINATION": 53.0556,
        "RA_OF_ASC_NODE": 128.528,
        "ARG_OF_PERICENTER": 62.5461,
        "MEAN_ANOMALY": 297.5665,
        "NORAD_CAT_ID": 48112,
        "BSTAR": -0.000066644,
    }
    omm.write_text(json.dumps([message]), encoding="utf-8")
    lines, words = (
        document(capsys, *a_pass(path, "--losses", "none"))["samples"] for path in (tle, omm)
    )
    for ours, theirs in zip(lines, words, strict=True):
        assert ours["range_km"] == pytest.approx(theirs["range_km"], abs=1e-3)


@pytest.mark.pitfall(24)
def test_stale_elements_are_refused_and_can_be_insisted_on(
    capsys: pytest.CaptureFixture[str], tle: Path
) -> None:
    """The refusal names both times and the way round it; insisting leaves a warning."""
    later = ("--start", "2022-09-24T08:20:00Z", "--end", "2022-09-24T08:30:00Z")
    asked = ("pass", "--tle", str(tle), *PLACE, *later, "--losses", "none")
    told = document(capsys, *asked, status=1)["error"]
    assert "STARLINK-2449 are of 2022-09-14" in told
    assert "10.0 days" in told
    assert "--allow-stale" in told
    (warning,) = document(capsys, *asked, "--allow-stale")["warnings"][:1]
    assert "10.0 days" in warning


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"--frequency-ghz": "20e9"}, "--frequency-ghz is 2e+10"),
        ({"--site": "munich"}, "'munich', no known place"),
        ({"--satellite": "99999"}, "Satellite 99999 is not among the 1"),
        ({"--satellite": "starlink"}, "satellite_id is 'starlink'"),
        ({"--start": "soon"}, "--start is 'soon'"),
        ({"--end": "2022-09-14T08:00:00Z"}, "--end must be after --start"),
        ({"--losses": "some"}, "choose none, reference or itu"),
        ({"--exceedance-percent": "0"}, "exceedance_percent is 0"),
        ({"--antenna-diameter-m": "-1"}, "--antenna-diameter-m is -1"),
        ({"--tle": "/nowhere/at/all"}, "/nowhere/at/all cannot be read"),
        ({"--plot": "pass.nothing"}, "pass.nothing names no kind of picture"),
        ({"--csv": "/nowhere/at/all"}, "--csv /nowhere/at/all cannot be written"),
    ],
)
def test_a_wrong_option_is_one_clear_sentence(
    capsys: pytest.CaptureFixture[str], tle: Path, changes: dict[str, str], words: str
) -> None:
    """It names the option or the field; as JSON too."""
    arguments = list(a_pass(tle))
    for option, value in changes.items():
        if option in arguments:
            arguments[arguments.index(option) + 1] = value
        else:
            arguments += [option, value]
    assert words in document(capsys, *arguments, status=1)["error"]


def test_a_bad_checksum_names_its_lines(capsys: pytest.CaptureFixture[str], tle: Path) -> None:
    """Where in the file, and what the column should hold."""
    tle.write_text(f"STARLINK-2449\n{LINE1}\n{LINE2[:-1]}7\n", encoding="utf-8")
    told = document(capsys, *a_pass(tle), status=1)["error"]
    assert "Lines 2 and 3" in told
    assert "checksum in column 69" in told


def test_files_hold_the_samples(
    capsys: pytest.CaptureFixture[str], tle: Path, tmp_path: Path
) -> None:
    """CSV and Parquet hold the columns of the JSON; the picture is a picture."""
    paths = [tmp_path / name for name in ("pass.csv", "pass.parquet", "pass.png")]
    options = ("--csv", str(paths[0]), "--parquet", str(paths[1]), "--plot", str(paths[2]))
    samples = document(capsys, *a_pass(tle, "--losses", "reference", *options))["samples"]
    with paths[0].open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    table = parquet.read_table(paths[1])
    assert list(lines[0]) == table.column_names == list(samples[0])
    assert len(lines) == table.num_rows == len(samples)
    assert [line["fspl_db"] == "" for line in lines] == [not s["visible"] for s in samples]
    assert table["fspl_db"].to_pylist() == [sample["fspl_db"] for sample in samples]
    assert table["rain_db"].null_count == len(samples)
    assert str(table.schema.field("time_utc").type) == "timestamp[us, tz=UTC]"
    assert paths[2].read_bytes().startswith(b"\x89PNG")


def test_people_see_a_table(capsys: pytest.CaptureFixture[str], tle: Path) -> None:
    """The passes, then a line for each sample, with a dash for what there is not."""
    assert run(["sim", *a_pass(tle, "--losses", "reference")]) == 0
    printed = capsys.readouterr().out
    assert "STARLINK-2449" in printed
    assert "pass: rises 2022-09-14T" in printed
    lines = [line for line in printed.splitlines() if line.startswith("2022-09-14T")]
    assert len(lines) == 391
    assert lines[0].split()[-1] == "-"


class TestValidate:
    """The reference numbers."""

    def test_the_bundled_file_passes(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Every comparison with value, reference, deviation and tolerance."""
        found = document(capsys, "validate")
        assert found["passed"]
        assert found["failed_count"] == 0
        assert found["check_count"] > 800
        (sgp4,) = [entry for entry in found["sections"] if entry["section"] == "sgp4"]
        assert {"value", "reference", "deviation", "tolerance", "passed"} <= set(sgp4["checks"][0])

    def test_a_number_outside_fails(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        """The exit status says so, and the other sections are still evaluated."""
        sections = json.loads(json.dumps(dict(bundled_reference().sections)))
        kept = {name: sections[name] for name in ("geometry", "elevation_sphere", "doppler")}
        kept["geometry"]["rows"][2]["slant_km"] += 1.0
        kept["folklore"] = {"rows": [1]}
        path = tmp_path / "mine.json"
        path.write_text(json.dumps(kept), encoding="utf-8")
        found = document(capsys, "validate", "--reference", str(path), status=1)
        states = {entry["section"]: entry["state"] for entry in found["sections"]}
        assert states == {
            "geometry": "failed",
            "elevation_sphere": "passed",
            "doppler": "passed",
            "folklore": "not checked",
        }
        assert (found["passed"], found["failed_count"]) == (False, 1)
        assert run(["sim", "validate", "--reference", str(path)]) == 1
        assert "OUTSIDE" in capsys.readouterr().out

    def test_a_row_that_lacks_a_field_is_named(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        """One sentence in the section, which fails."""
        path = tmp_path / "mine.json"
        path.write_text('{"geometry": {"rows": [{"h_km": 600}]}}', encoding="utf-8")
        found = document(capsys, "validate", "--reference", str(path), status=1)
        assert "lacks the field el_deg in geometry.rows[0]" in found["sections"][0]["problem"]

    def test_a_file_of_unknown_sections_confirms_nothing(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        """Nothing was compared, so nothing passed."""
        path = tmp_path / "mine.json"
        path.write_text('{"folklore": {}}', encoding="utf-8")
        found = document(capsys, "validate", "--reference", str(path), status=1)
        assert [entry["state"] for entry in found["sections"]] == ["not checked"]


class TestLinkBudget:
    """Study cases and free parameters."""

    @pytest.mark.parametrize(
        ("case", "way", "cnr_db"), [("SC6", "DL", 8.5), ("sc9", "ul", 2.8), ("SC29", "UL", -8.6)]
    )
    def test_a_study_case_by_name(
        self, capsys: pytest.CaptureFixture[str], case: str, way: str, cnr_db: float
    ) -> None:
        """As printed in TR 38.821 Table 6.1.3.3-1."""
        (link,) = document(capsys, "link-budget", case, "--direction", way)["links"]
        assert link["cnr_db"] == pytest.approx(cnr_db, abs=0.15)

    def test_all_of_them(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Thirty cases both ways, and what is left out is said."""
        found = document(capsys, "link-budget")
        assert len(found["links"]) + len(found["left_out"]) == 60
        assert {link["case"] for link in found["links"]} == {f"SC{n}" for n in range(1, 31)}
        assert run(["sim", "link-budget"]) == 0
        assert "Left out: SC1 UL" in capsys.readouterr().out

    def test_a_link_by_its_parameters(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The terms add up to the carrier to noise ratio."""
        asked = ("link-budget", *FREE_LINK, "--frequency-ghz", "20", "--polarisation-loss-db", "3")
        (link,) = document(capsys, *asked)["links"]
        *terms, last = (term["value"] for term in link["terms"])
        assert sum(terms) == pytest.approx(last) == pytest.approx(link["cnr_db"])
        assert link["losses_db"]["polarisation"] == 3.0

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("SC99",), "There is no study case SC99"),
            (("SC1", "--direction", "UL"), "The uplink of SC1 is left out"),
            (("SC6", "--direction", "up"), "--direction is 'up'"),
            (("--altitude-km", "600"), "needs --elevation-deg"),
            ((*FREE_LINK, "--frequency-ghz", "20e9"), "20 for 20e9 Hz"),
            (("SC6", *FREE_LINK, "--frequency-ghz", "20"), "not both"),
        ],
    )
    def test_a_wrong_option_is_one_clear_sentence(
        self, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
    ) -> None:
        """It says what to do instead."""
        assert words in document(capsys, "link-budget", *arguments, status=1)["error"]
