"""Mutual TLS credentials from the settings; both ends show a certificate of the same authority.

::

    server.add_secure_port(address, server_credentials(settings.tls))
    channel = open_channel(address, settings=settings.client, tls=settings.tls)
"""

from pathlib import Path

import grpc

from nf_runtime.config import ConfigurationError, TlsSettings


def server_credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    """Credentials of a server that refuses clients without a certificate of our authority.

    Raises:
        ConfigurationError: A file is missing or unreadable.
    """
    return grpc.ssl_server_credentials(
        [(_content("private_key", tls.private_key), _content("certificate", tls.certificate))],
        root_certificates=_content("authority", tls.authority),
        require_client_auth=True,
    )


def channel_credentials(tls: TlsSettings) -> grpc.ChannelCredentials:
    """Credentials of a client that shows its certificate and trusts our authority only.

    Raises:
        ConfigurationError: A file is missing or unreadable.
    """
    return grpc.ssl_channel_credentials(
        root_certificates=_content("authority", tls.authority),
        private_key=_content("private_key", tls.private_key),
        certificate_chain=_content("certificate", tls.certificate),
    )


def _content(field: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"setting tls.{field}: {path} cannot be read: {error}") from error
