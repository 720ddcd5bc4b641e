"""Settings: layers, strictness and sentences."""

import contextlib
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nf_runtime.config import (
    ConfigurationError,
    DatabaseSettings,
    NfSettings,
    Section,
    ServerSettings,
    environment_prefix,
    load_settings,
    read_settings,
)


class LimitSettings(Section):
    """A section of its own."""

    names: tuple[str, ...] = ()
    count: int = 3


class PlantSettings(NfSettings):
    """Settings of a made-up network function."""

    nf_name: ClassVar[str] = "plant.anlf"

    server: ServerSettings = ServerSettings(port=50099, metrics_port=9199)
    database: DatabaseSettings = DatabaseSettings(url="sqlite:///plant.db")
    limits: LimitSettings = LimitSettings()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file."""
    path = tmp_path / "plant.yaml"
    path.write_text("server:\n  drain_s: 9\nlimits:\n  count: 7\n")
    return path


def test_defaults_are_the_classes_own() -> None:
    """Without file and environment the class's defaults hold."""
    settings = read_settings(PlantSettings)
    assert settings == PlantSettings()
    assert settings.server.port == 50099


def test_file_changes_only_what_it_names(file: Path) -> None:
    """A section in the file keeps the class's other defaults of that section."""
    settings = read_settings(PlantSettings, file=file)
    assert settings.server.drain_s == 9
    assert settings.server.port == 50099
    assert settings.limits.count == 7


def test_environment_wins_over_the_file(file: Path) -> None:
    """The environment is the last word, key by key."""
    environ = {
        "AIMLNF_PLANT_ANLF__LIMITS__COUNT": "11",
        "AIMLNF_PLANT_ANLF__LIMITS__NAMES": "[a, b]",
        "AIMLNF_PLANT_ANLF__SERVER__METRICS_PORT": "null",
        "AIMLNF_OTHER__SERVER__PORT": "1",
        "PATH": "/bin",
    }
    settings = read_settings(PlantSettings, file=file, environ=environ)
    assert settings.limits == LimitSettings(names=("a", "b"), count=11)
    assert settings.server.metrics_port is None
    assert settings.server.drain_s == 9


@pytest.mark.parametrize("text", ["007", "2026-13-45", "true", "1e3", ""])
def test_text_in_the_environment_stays_text(text: str) -> None:
    """A name that looks like a number or a date is taken as it is written."""
    environ = {"AIMLNF_PLANT_ANLF__SERVER__HOST": text}
    assert read_settings(PlantSettings, environ=environ).server.host == text


def test_optional_section_can_be_given() -> None:
    """TLS is off by default and on when its three files are named."""
    prefix = environment_prefix(PlantSettings)
    environ = {f"{prefix}TLS__{name}": f"/{name}" for name in ("CERTIFICATE", "AUTHORITY")}
    with pytest.raises(ConfigurationError, match=r"tls\.private_key: is required"):
        read_settings(PlantSettings, environ=environ)
    environ[f"{prefix}TLS__PRIVATE_KEY"] = "/key"
    tls = read_settings(PlantSettings, environ=environ).tls
    assert tls is not None
    assert tls.private_key == Path("/key")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("sevrer:\n  port: 1\n", "setting sevrer: there is no such setting"),
        ("server:\n  prot: 1\n", r"setting server\.prot: there is no such setting"),
        ("server:\n  port: high\n", r"setting server\.port: .*'high'"),
        ("server:\n  port: 70000\n", r"setting server\.port: .*70000"),
        ("server: 3\n", "setting server: "),
        ("server:\n  port: 9199\n", "both 9199; give them different ports"),
        ("- a list\n", "must hold sections"),
        ("1: 2\n", "must hold sections"),
        ("server: {port: 1\n", "is not YAML"),
        ("\x00", "is not YAML"),
        ("server:\n  host: 2026-13-45\n", "is not YAML"),
    ],
)
def test_wrong_file_is_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    """What is wrong in a file is named in one line."""
    path = tmp_path / "plant.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        read_settings(PlantSettings, file=path)
    assert "\n" not in str(caught.value)


def test_file_that_is_not_text_is_one_sentence(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are a configuration error too."""
    path = tmp_path / "plant.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_settings(PlantSettings, file=path)


def test_empty_file_changes_nothing(tmp_path: Path) -> None:
    """A file with nothing in it is the defaults."""
    path = tmp_path / "plant.yaml"
    path.write_text("# nothing yet\n")
    assert read_settings(PlantSettings, file=path) == PlantSettings()


def test_misspelt_environment_variable_is_an_error() -> None:
    """A variable with our prefix that names no section is not ignored."""
    with pytest.raises(ConfigurationError, match=r"AIMLNF_PLANT_ANLF__SEVRER__PORT.*database"):
        read_settings(PlantSettings, environ={"AIMLNF_PLANT_ANLF__SEVRER__PORT": "1"})


@given(st.text(st.characters(exclude_characters="\0"), max_size=40))
def test_any_text_in_the_environment_is_a_value_or_a_sentence(text: str) -> None:
    """No value can make the reader fail in another way."""
    for key in ("SERVER__PORT", "SERVER", "SERVER__HOST", "LIMITS__NAMES", "SERVER__PORT__X"):
        with contextlib.suppress(ConfigurationError):
            read_settings(PlantSettings, environ={f"AIMLNF_PLANT_ANLF__{key}": text})


def test_settings_are_frozen() -> None:
    """Nobody changes settings after they are loaded."""
    settings = PlantSettings()
    with pytest.raises(ValidationError):
        settings.server.port = 1  # type: ignore[misc]


def test_building_by_hand_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that builds settings gets what it wrote."""
    monkeypatch.setenv("AIMLNF_PLANT_ANLF__LIMITS__COUNT", "11")
    monkeypatch.setenv("LIMITS__COUNT", "12")
    assert PlantSettings().limits.count == 3


def test_load_settings_leaves_with_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """At the edge a wrong setting is a sentence on stderr and exit status 2."""
    path = tmp_path / "plant.yaml"
    path.write_text("limits:\n  cuont: 1\n")
    with pytest.raises(SystemExit) as caught:
        load_settings(PlantSettings, ["--config", str(path)])
    assert caught.value.code == 2
    assert "setting limits.cuont: there is no such setting" in capsys.readouterr().err


def test_load_settings_reads_file_and_environment(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    """The command line names the file; the process's environment is read."""
    monkeypatch.setenv("AIMLNF_PLANT_ANLF__SERVER__PORT", "0")
    settings = load_settings(PlantSettings, ["--config", str(file)])
    assert (settings.limits.count, settings.server.port) == (7, 0)
