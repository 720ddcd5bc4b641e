"""Settings of a network function: defaults < ``--config FILE`` (YAML) < environment.

One frozen class per network function, loaded once in ``__main__`` and passed down::

    class MmsSettings(NfSettings):
        nf_name: ClassVar[str] = "mms_repository"
        server: ServerSettings = ServerSettings(port=50052, metrics_port=9152)
        database: DatabaseSettings = DatabaseSettings(url="sqlite:///mms.db")
        artifacts: ArtifactSettings = ArtifactSettings()        # a section of its own

    settings = load_settings(MmsSettings, sys.argv[1:])

The environment reads ``AIMLNF_MMS_REPOSITORY__SERVER__PORT=0``: prefix, section, key, joined by
two underscores. A section in the file or the environment changes only the keys it names. Unknown
keys are errors, in both. Building a class by hand, as tests do, reads neither.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)


class ConfigurationError(ValueError):
    """The settings cannot be used; the sentence names the field and what to do."""


class Section(BaseModel):
    """Base of a section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class TlsSettings(Section):
    """Mutual TLS: who we are and whom we trust. Files are PEM."""

    certificate: Path
    private_key: Path
    authority: Path


class ServerSettings(Section):
    """Where and how the gRPC server listens. Port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    metrics_port: int | None = Field(default=0, ge=0, le=65535)  # None: no metrics endpoint
    drain_s: float = Field(default=5.0, ge=0)
    max_message_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    ready_file: Path | None = None

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.port and self.port == self.metrics_port:
            message = f"port and metrics_port are both {self.port}; give them different ports"
            raise ValueError(message)
        return self


class ClientSettings(Section):
    """How calls to other network functions behave."""

    deadline_s: float = Field(default=5.0, gt=0)  # of a unary call; streams have none by default
    attempts: int = Field(default=4, ge=1, le=5)  # on UNAVAILABLE; gRPC allows at most 5
    keepalive_s: float = Field(default=30.0, gt=0)
    max_message_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)


class KafkaSettings(Section):
    """The event broker. `log_identity` names one life of one log: stored offsets belong to it."""

    bootstrap: str = "127.0.0.1:9092"
    client: Literal["kafka-python", "confluent-kafka"] = "kafka-python"
    embedded: bool = False
    log_identity: str = "default"


class DatabaseSettings(Section):
    """``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql+psycopg://…``."""

    url: str


class LogSettings(Section):
    """`auto` writes JSON unless the output is a terminal."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class NfSettings(BaseSettings):
    """Base of every network function's settings: the sections that all of them have."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=True)

    nf_name: ClassVar[str] = "nf"

    server: ServerSettings = ServerSettings()
    client: ClientSettings = ClientSettings()
    log: LogSettings = LogSettings()
    tls: TlsSettings | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in; `read_settings` composes the layers."""
        return (init_settings,)


S = TypeVar("S", bound=NfSettings)


def load_settings(cls: type[S], argv: Sequence[str]) -> S:
    """The settings of a process started with `argv`; leaves with status 2 if they are wrong."""
    parser = argparse.ArgumentParser(prog=f"python -m {cls.nf_name}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings in YAML")
    arguments = parser.parse_args(argv)
    try:
        return read_settings(cls, file=arguments.config, environ=os.environ)
    except ConfigurationError as error:
        parser.error(str(error))


def read_settings(
    cls: type[S], *, file: Path | None = None, environ: Mapping[str, str] | None = None
) -> S:
    """The settings composed of the class's defaults, the file and the environment.

    Raises:
        ConfigurationError: A file that cannot be read, an unknown key or a value out of range;
            one sentence that names the field.
    """
    defaults = {
        name: _plain(field.get_default(call_default_factory=True))
        for name, field in cls.model_fields.items()
        if not field.is_required()
    }
    layers = (_file_layer(file), _environment_layer(cls, environ or {}))
    values: dict[str, Any] = defaults
    for layer in layers:
        values = _merged(values, layer)
    try:
        return cls(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or cls.nf_name
        raise ConfigurationError(f"setting {field}: {_sentence(first)}") from error


def environment_prefix(cls: type[NfSettings]) -> str:
    """What the environment variables of a network function start with."""
    return f"AIMLNF_{cls.nf_name.upper().replace('.', '_')}__"


def _file_layer(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--config {file} cannot be read: {error}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
        place = " ".join(str(error).split())
        raise ConfigurationError(f"--config {file} is not YAML: {place}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ConfigurationError(f"--config {file} must hold sections, such as 'server:'")
    return content


def _environment_layer(cls: type[NfSettings], environ: Mapping[str, str]) -> dict[str, Any]:
    prefix = environment_prefix(cls)
    ours = {name: value for name, value in environ.items() if name.upper().startswith(prefix)}
    layer: dict[str, Any] = {}
    for name, text in sorted(ours.items()):
        path = name[len(prefix) :].lower().split("__")
        if path[0] not in cls.model_fields:
            known = ", ".join(sorted(cls.model_fields))
            raise ConfigurationError(
                f"environment variable {name} names no section; there are: {known}"
            )
        value = _environment_value(text)
        for part in reversed(path):
            value = {part: value}
        layer = _merged(layer, value)
    return layer


def _environment_value(text: str) -> Any:
    # Lists, sections and null are written as YAML; numbers and booleans pydantic reads from text,
    # and only it knows whether 007 is meant as a name.
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text
    return value if isinstance(value, dict | list) or text == "null" else text


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _merged(base: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in update.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged


def _sentence(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such setting; check the spelling"
    if error["type"] == "missing":
        return "is required; set it in the --config file or the environment"
    text = str(error["msg"]).removeprefix("Value error, ")
    return text if error["type"] == "value_error" else f"{text} (got {error['input']!r})"
