"""Mutual TLS between two network functions, over a real socket."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from support.certificates import Authority
from support.echo_service import Echo, call, register

from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings, ConfigurationError, ServerSettings, TlsSettings
from nf_runtime.errors import Unavailable
from nf_runtime.server import NfServer
from nf_runtime.tls import channel_credentials

ONCE = ClientSettings(attempts=1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The authority that the server trusts."""
    return Authority(tmp_path)


@pytest.fixture
async def address(authority: Authority, echo: Echo) -> AsyncIterator[str]:
    """A server that wants certificates of `authority`."""
    server = NfServer(
        "echo",
        ServerSettings(metrics_port=None),
        register=partial(register, echo),
        tls=authority.issue("echo"),
    )
    yield await server.start()
    await server.stop()


async def test_client_of_the_same_authority_is_served(address: str, authority: Authority) -> None:
    """Both ends show a certificate and trust each other."""
    async with open_channel(address, settings=ONCE, tls=authority.issue("oam")) as channel:
        assert await call(channel, "unary_unary")


async def test_client_without_certificate_is_refused(address: str) -> None:
    """Plain text gets no answer."""
    async with open_channel(address, settings=ONCE) as channel:
        with pytest.raises(Unavailable):
            await call(channel, "unary_unary")


async def test_client_of_another_authority_is_refused(address: str, tmp_path: Path) -> None:
    """A stranger's certificate is worth nothing."""
    stranger = Authority(tmp_path, name="stranger").issue("oam")
    async with open_channel(address, settings=ONCE, tls=stranger) as channel:
        with pytest.raises(Unavailable):
            await call(channel, "unary_unary")


def test_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    """The sentence names the setting and the file."""
    nowhere = tmp_path / "nowhere.pem"
    tls = TlsSettings(certificate=nowhere, private_key=nowhere, authority=nowhere)
    with pytest.raises(ConfigurationError, match=r"tls\.authority.*nowhere\.pem"):
        channel_credentials(tls)


@pytest.mark.parametrize("field", ["certificate", "private_key", "authority"])
def test_file_of_another_kind_is_a_configuration_error(authority: Authority, field: str) -> None:
    """A file without the right PEM block is named before anybody tries to connect."""
    good = authority.issue("oam")
    rubbish = good.certificate.with_name("rubbish.pem")
    rubbish.write_text("-----BEGIN RUBBISH-----")
    with pytest.raises(ConfigurationError, match=rf"tls\.{field}.*rubbish\.pem"):
        channel_credentials(good.model_copy(update={field: rubbish}))
