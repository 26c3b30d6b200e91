"""A certificate of the local GitHub's own, so that it can be reached by HTTPS as the real one is."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CERTIFICATE, KEY = "tls.pem", "tls.key"
NAME = "localhub.example"  # for clients that cannot be told a port, through a proxy
DAYS = 30


def prepare_tls(data: Path) -> ssl.SSLContext:
    """A context with the certificate in ``data``, made at the first call: for localhost, 127.0.0.1 and NAME.

    It signs itself, so clients are told to trust it (``SSL_CERT_FILE``).
    """
    if not (data / CERTIFICATE).exists():
        _make_certificate(data)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(data / CERTIFICATE, data / KEY)
    return context


def _make_certificate(data: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhub")])
    now = datetime.now(UTC)
    hosts = [x509.DNSName("localhost"), x509.DNSName(NAME), x509.IPAddress(IPv4Address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (data / KEY).touch(mode=0o600)
    (data / KEY).write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (data / CERTIFICATE).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
