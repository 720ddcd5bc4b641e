"""Mutual TLS credentials from the settings; both ends show a certificate of the same authority.

::

    server.add_secure_port(address, server_credentials(settings.tls))
    channel = open_channel(address, settings=settings.client, tls=settings.tls)
"""

from pathlib import Path

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from nf_runtime.config import ConfigurationError, TlsSettings


def server_credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    """Credentials of a server that refuses clients without a certificate of our authority.

    Raises:
        ConfigurationError: A file is missing, or is not what it should be.
    """
    return grpc.ssl_server_credentials(
        [(_private_key(tls), _certificates("certificate", tls.certificate))],
        root_certificates=_certificates("authority", tls.authority),
        require_client_auth=True,
    )


def channel_credentials(tls: TlsSettings) -> grpc.ChannelCredentials:
    """Credentials of a client that shows its certificate and trusts our authority only.

    Raises:
        ConfigurationError: A file is missing, or is not what it should be.
    """
    return grpc.ssl_channel_credentials(
        root_certificates=_certificates("authority", tls.authority),
        private_key=_private_key(tls),
        certificate_chain=_certificates("certificate", tls.certificate),
    )


def _certificates(field: str, path: Path) -> bytes:
    content = _content(field, path)
    try:
        x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise ConfigurationError(f"setting tls.{field}: {path} holds no PEM certificate") from error
    return content


def _private_key(tls: TlsSettings) -> bytes:
    content = _content("private_key", tls.private_key)
    try:
        load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"setting tls.private_key: {tls.private_key} holds no unencrypted PEM private key"
        ) from error
    return content


def _content(field: str, path: Path) -> bytes:
    # gRPC itself would only fail later, handshake by handshake, without naming the file.
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"setting tls.{field}: {path} cannot be read: {error}") from error
