"""The settings that the network functions of one machine are given."""

import random
from pathlib import Path

import pytest
import yaml

from aimlctl.nf_settings import FUNCTIONS, GATEWAY, PlatformSettings, merged
from aimlctl.supervisor import BrokerLife
from gateway.config import GatewaySettings
from inference_nf.config import InferenceSettings
from mms_repository.config import MmsSettings
from nf_runtime.config import NfSettings, read_settings
from nwdaf.anlf.config import AnlfSettings
from nwdaf.mtlf.config import MtlfSettings
from oam.config import OamSettings
from ran_sim.config import RanSimSettings

LIFE = BrokerLife("127.0.0.1:39125", "embedded-1", embedded=True)
CLASSES: dict[str, type[NfSettings]] = {
    settings.nf_name: settings
    for settings in (
        AnlfSettings,
        GatewaySettings,
        InferenceSettings,
        MmsSettings,
        MtlfSettings,
        OamSettings,
        RanSimSettings,
    )
}


def platform_of(folder: Path, **overrides: dict[str, object]) -> PlatformSettings:
    """Settings on random ports, with the gateway."""
    return PlatformSettings(
        folder,
        with_gateway=True,
        default_ports=False,
        overrides=overrides,
        rng=random.Random(3),
    )


def read(folder: Path, name: str) -> NfSettings:
    """The written settings, read by the function's own class."""
    return read_settings(CLASSES[name], file=folder / "config" / f"{name}.yaml")


@pytest.mark.parametrize("name", [*FUNCTIONS, GATEWAY])
def test_each_function_accepts_its_settings(tmp_path: Path, name: str) -> None:
    """What is written is read by the function's settings class without a complaint."""
    specs = platform_of(tmp_path).functions(LIFE)
    settings = read(tmp_path, name)
    spec = next(spec for spec in specs if spec.name == name)
    assert settings.server.ready_file == spec.ready_file
    assert spec.command[1:3] == ("-m", name)


def test_functions_find_each_other(tmp_path: Path) -> None:
    """The address that one function has of another is where that one listens."""
    platform_of(tmp_path).functions(LIFE)
    oam, gateway = read(tmp_path, "oam"), read(tmp_path, GATEWAY)
    assert isinstance(oam, OamSettings)
    assert isinstance(gateway, GatewaySettings)
    for name in FUNCTIONS:
        server = read(tmp_path, name).server
        assert gateway.peers[name] == f"{server.host}:{server.port}"
    assert oam.peers.nwdaf_anlf == gateway.peers["nwdaf.anlf"]
    assert oam.peers.nwdaf_mtlf == gateway.peers["nwdaf.mtlf"]
    assert oam.peers.inference_nf == gateway.peers["inference_nf"]


def test_no_two_functions_share_a_port(tmp_path: Path) -> None:
    """Every gRPC and metrics port is another one."""
    platform_of(tmp_path).functions(LIFE)
    ports = [
        port
        for name in (*FUNCTIONS, GATEWAY)
        for server in [read(tmp_path, name).server]
        for port in (server.port, server.metrics_port)
        if port is not None
    ]
    assert len(ports) == len(set(ports)) == 2 * len(FUNCTIONS) + 1
    assert 0 not in ports


def test_ports_stay_over_lives_of_the_broker(tmp_path: Path) -> None:
    """With another broker the functions listen where they did, and read the new log."""
    platform = platform_of(tmp_path)
    platform.functions(LIFE)
    before = read(tmp_path, "ran_sim")
    platform.functions(BrokerLife("127.0.0.1:4", "embedded-2", embedded=True))
    after = read(tmp_path, "ran_sim")
    assert isinstance(before, RanSimSettings)
    assert isinstance(after, RanSimSettings)
    assert after.server == before.server
    assert after.kafka.bootstrap == "127.0.0.1:4"
    assert after.kafka.log_identity == "embedded-2"


def test_trainer_signs_with_the_key_that_the_others_trust(tmp_path: Path) -> None:
    """The key is made once, and its public half is what repository and inference trust."""
    platform = platform_of(tmp_path)
    platform.functions(LIFE)
    key = (tmp_path / "keys" / "mtlf.key").read_bytes()
    platform.functions(LIFE)
    assert (tmp_path / "keys" / "mtlf.key").read_bytes() == key
    public = str(tmp_path / "keys" / "mtlf.pub")
    for name in ("mms_repository", "inference_nf"):
        written = yaml.safe_load((tmp_path / "config" / f"{name}.yaml").read_text())
        assert written["signing"]["trusted_keys"] == [public]


def test_overrides_change_only_what_they_name(tmp_path: Path) -> None:
    """An override is laid over the settings of its function, key by key."""
    platform_of(tmp_path, oam={"monitoring": {"window": 9, "minimum_samples": 5}}).functions(LIFE)
    settings = read(tmp_path, "oam")
    assert isinstance(settings, OamSettings)
    assert settings.monitoring.window == 9
    assert settings.monitoring.fresh_decisions == OamSettings().monitoring.fresh_decisions
    assert settings.kafka.bootstrap == LIFE.bootstrap


def test_merging_keeps_what_is_not_named() -> None:
    """Sections are merged, values and lists are replaced."""
    assert merged({"a": {"b": 1, "c": [1]}, "d": 2}, {"a": {"c": [2]}, "e": 3}) == {
        "a": {"b": 1, "c": [2]},
        "d": 2,
        "e": 3,
    }


def test_analytics_know_where_every_function_tells_its_metrics(tmp_path: Path) -> None:
    """So that NF_LOAD can be subscribed to; the gateway tells none."""
    platform_of(tmp_path).functions(LIFE)
    settings = read(tmp_path, "nwdaf.anlf")
    assert isinstance(settings, AnlfSettings)
    metrics = {name: f"127.0.0.1:{read(tmp_path, name).server.metrics_port}" for name in FUNCTIONS}
    assert settings.nf_load.peers == metrics
