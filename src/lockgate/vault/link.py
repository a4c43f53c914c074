"""The vault's door for other hosts: mutual TLS 1.3, and a certificate that names the program which speaks."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509

from lockgate.kernel.config import ConfigError

_DOMAIN = ".lockgate.internal"


@dataclass(frozen=True, slots=True)
class Peer:
    """Who stands at the other end of a connection from another host, by its certificate."""

    program: str
    ends: int


@dataclass(slots=True)
class Link:
    """Where to listen, and what to show and believe there."""

    host: str
    port: int
    certificate: Path
    key: Path
    ca_file: Path
    context: ssl.SSLContext = field(init=False, repr=False)
    _current: ssl.SSLContext = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.context = self._current = self._read()
        self.context.sni_callback = lambda connection, _name, _context: setattr(connection, "context", self._current)

    def reload(self) -> None:
        """Read the files again for the next handshake; ConfigError if they cannot be used, and the old ones stay."""
        self._current = self._read()

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_verify_locations(self.ca_file)
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            reason = f"cannot use the service certificate {self.certificate}: {type(error).__name__}"
            raise ConfigError(reason) from error
        return context


def peer_of(connection: Any) -> Peer | None:
    """The program at the other end of a TLS connection; None on a socket of this host."""
    if connection is None:
        return None
    der = connection.getpeercert(True)
    if der is None:
        return Peer("", 0)
    found = x509.load_der_x509_certificate(der)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        own = [name for name in names.get_values_for_type(x509.DNSName) if name.endswith(_DOMAIN)]
    except x509.ExtensionNotFound:
        own = []
    program = own[0].removesuffix(_DOMAIN) if len(own) == 1 else ""
    return Peer(program, int(found.not_valid_after_utc.timestamp()))
