"""A throw-away authority and certificates of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nf_runtime.config import TlsSettings

_VALID_FROM = datetime(2025, 1, 1, tzinfo=UTC)
_VALIDITY = timedelta(days=3650)


@dataclass
class Authority:
    """Issues certificates into a folder."""

    folder: Path
    name: str = "authority"

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(self.name)
        certificate = (
            _builder(self._subject, self._subject, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self._path = self.folder / f"{self.name}.pem"
        self._path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, nf_name: str) -> TlsSettings:
        """Settings of a network function on the loopback address."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [
            x509.UniformResourceIdentifier(f"spiffe://aimlnf/{nf_name}"),
            x509.IPAddress(IPv4Address("127.0.0.1")),
        ]
        certificate = (
            _builder(_name(nf_name), self._subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        certificate_path = self.folder / f"{self.name}-{nf_name}.pem"
        key_path = self.folder / f"{self.name}-{nf_name}.key"
        certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return TlsSettings(certificate=certificate_path, private_key=key_path, authority=self._path)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_FROM + _VALIDITY)
    )
