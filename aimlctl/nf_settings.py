"""Which network functions run on this machine, and the settings that each is given.

Every function gets a YAML file in the state directory. Ports are chosen once, so that a function
that is started again is found where it was; the broker's address and the identity of its log are
filled in for each life of the broker.
"""

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from aimlctl.child_process import ChildSpec
from aimlctl.ports import choose_ports
from aimlctl.run_file import write_atomically
from aimlctl.supervisor import BrokerLife
from nf_runtime.signing import Signer

HOST = "127.0.0.1"
GATEWAY = "gateway"
BROKER = "embedded_broker"
# Name (and module) of each function, with its default gRPC and metrics ports.
FUNCTIONS: Mapping[str, tuple[int, int]] = {
    "nwdaf.anlf": (50051, 9151),
    "mms_repository": (50052, 9152),
    "inference_nf": (50053, 9153),
    "oam": (50054, 9154),
    "ran_sim": (50055, 9155),
    "nwdaf.mtlf": (50056, 9156),
}
_GATEWAY_PORT = 8080

Settings = dict[str, Any]


class PlatformSettings:
    """The settings of all functions of one platform.

    Args:
        state_dir: Where settings, databases, artifacts, keys and logs are kept.
        with_gateway: Whether the gateway runs too.
        default_ports: Whether a function gets its default port where that is free.
        overrides: Sections by function that differ from what is written here.
        rng: For ports.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        with_gateway: bool,
        default_ports: bool,
        overrides: Mapping[str, Settings],
        rng: random.Random,
    ) -> None:
        self._state_dir = state_dir.absolute()
        self._overrides = overrides
        names = [*FUNCTIONS, *([GATEWAY] if with_gateway else [])]
        wanted = [port for name in names for port in _default_ports(name)]
        ports = choose_ports(wanted if default_ports else [0] * len(wanted), rng=rng, host=HOST)
        self._ports = {
            name: (ports[2 * number], ports[2 * number + 1]) for number, name in enumerate(names)
        }

    @property
    def broker(self) -> ChildSpec:
        """The embedded broker."""
        ready = self._state_dir / "ready" / f"{BROKER}.json"
        return self._spec(BROKER, ("nf_runtime.embedded_broker", "--ready-file", str(ready)))

    def functions(self, life: BrokerLife) -> Sequence[ChildSpec]:
        """What to start for this life of the broker; their settings are written."""
        key = self._state_dir / "keys" / "mtlf.key"
        Signer.from_file(key)
        specs = []
        for name in self._ports:
            settings = merged(self.settings_of(name, life, key), self._overrides.get(name, {}))
            file = self._state_dir / "config" / f"{name}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, yaml.safe_dump(settings, sort_keys=False))
            (self._state_dir / name).mkdir(parents=True, exist_ok=True)
            specs.append(self._spec(name, (name, "--config", str(file))))
        return specs

    def settings_of(self, name: str, life: BrokerLife, key: Path) -> Settings:
        """The settings of one function."""
        port, metrics_port = self._ports[name]
        server: dict[str, Any] = {
            "host": HOST,
            "port": port,
            "metrics_port": None if name == GATEWAY else metrics_port,
            "ready_file": str(self._state_dir / "ready" / f"{name}.json"),
        }
        settings: dict[str, Any] = {"server": server, "log": {"format": "json"}}
        if name != GATEWAY:
            settings["kafka"] = {
                "bootstrap": life.bootstrap,
                "embedded": life.embedded,
                "log_identity": life.log_identity,
            }
            settings["database"] = {"url": f"sqlite:///{self._state_dir / name / 'state.db'}"}
        own: dict[str, Callable[[Path], Settings]] = {
            "mms_repository": self._repository,
            "inference_nf": self._inference,
            "oam": self._oam,
            "nwdaf.mtlf": self._mtlf,
            GATEWAY: self._gateway,
        }
        return settings | own[name](key) if name in own else settings

    def _repository(self, key: Path) -> Settings:
        return {
            "artifacts": {"folder": str(self._state_dir / "mms_repository" / "artifacts")},
            "signing": {"trusted_keys": [str(key.with_suffix(".pub"))]},
        }

    def _inference(self, key: Path) -> Settings:
        return {
            "repository": {"address": self._address("mms_repository")},
            "radio": {"address": self._address("ran_sim")},
            "notifications": {"address": self._address("nwdaf.anlf")},
            "models": {"cache_folder": str(self._state_dir / "inference_nf" / "cache")},
            "signing": {"trusted_keys": [str(key.with_suffix(".pub"))]},
        }

    def _oam(self, _key: Path) -> Settings:
        return {
            "peers": {
                "nwdaf_anlf": self._address("nwdaf.anlf"),
                "nwdaf_mtlf": self._address("nwdaf.mtlf"),
                "mms_repository": self._address("mms_repository"),
                "inference_nf": self._address("inference_nf"),
                "ran_sim": self._address("ran_sim"),
            }
        }

    def _mtlf(self, key: Path) -> Settings:
        return {
            "repository": {"address": self._address("mms_repository")},
            "signing": {"key_file": str(key)},
            "worker": {"folder": str(self._state_dir / "nwdaf.mtlf" / "work")},
        }

    def _gateway(self, _key: Path) -> Settings:
        return {"peers": {name: self._address(name) for name in FUNCTIONS}}

    def _address(self, name: str) -> str:
        return f"{HOST}:{self._ports[name][0]}"

    def _spec(self, name: str, arguments: Sequence[str]) -> ChildSpec:
        return ChildSpec(
            name=name,
            command=(sys.executable, "-m", *arguments),
            ready_file=self._state_dir / "ready" / f"{name}.json",
            log_file=self._state_dir / "logs" / f"{name}.log",
        )


def merged(settings: Settings, overrides: Settings) -> Settings:
    """The settings with the overrides laid over them, section by section."""
    result = dict(settings)
    for name, value in overrides.items():
        below = result.get(name)
        if isinstance(below, dict) and isinstance(value, dict):
            result[name] = merged(below, value)
        else:
            result[name] = value
    return result


def _default_ports(name: str) -> tuple[int, int]:
    return FUNCTIONS.get(name, (_GATEWAY_PORT, 0))
