"""An authority for certificates, of the tests' own."""

from __future__ import annotations

import datetime
import inspect
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_USAGES = inspect.signature(x509.KeyUsage).parameters
_DAY = datetime.timedelta(days=1)


class Authority:
    """``path``: the file that programs trust."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "authority.pem"
        self._name = _name("an authority")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        may_sign = x509.KeyUsage(*(name == "key_cert_sign" for name in _USAGES))
        is_authority = x509.BasicConstraints(ca=True, path_length=0)
        self.path.write_bytes(self._signed(self._name, self._key, is_authority, may_sign, self._identifier))

    def certify(self, folder: Path, host: str = "localhost", days: int = 1) -> tuple[Path, Path]:
        """Certificate and key of a server on ``host`` and 127.0.0.1, in files that are replaced as a whole."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identifier)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate = self._signed(_name(host), key, names, issuer, days=days)
        return _replaced(folder / "server.pem", certificate), _replaced(folder / "server.key", private)

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType, days: int = 1
    ) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - 9 * _DAY).not_valid_after(now + days * _DAY)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _replaced(path: Path, data: bytes) -> Path:
    new = path.with_suffix(".new")
    new.write_bytes(data)
    return new.rename(path)
