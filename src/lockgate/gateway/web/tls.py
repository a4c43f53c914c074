"""What a listener shows and believes in a handshake, changed while it runs: open connections never notice.

The context that the socket was opened with hands each new handshake to the newest one. So a renewed certificate and a
newly registered authority are there for the next handshake, whole or not at all.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate chain and its key, in files."""

    certificate: Path
    key: Path

    def ends(self) -> int:
        """When the leaf ends, in seconds; ConfigError where there is none."""
        return int(self._read().not_valid_after_utc.timestamp())

    def names(self) -> frozenset[str]:
        """The host names that it is for, in small letters; none where there is no certificate yet."""
        if not self.is_there():
            return frozenset()
        try:
            names = self._read().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return frozenset()
        return frozenset(name.lower() for name in names.get_values_for_type(x509.DNSName))

    def stamp(self) -> tuple[int, ...]:
        """What changes when either file is written."""
        found = []
        for file in (self.certificate, self.key):
            try:
                status = file.stat()
            except OSError:
                continue
            found += [status.st_mtime_ns, status.st_size, status.st_ino]
        return tuple(found)

    def is_there(self) -> bool:
        """Whether there is a certificate at all; the file of one that is yet to come is empty."""
        try:
            return self.certificate.stat().st_size > 0
        except OSError:
            return False

    def _read(self) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificates(self.certificate.read_bytes())[0]
        except (OSError, ValueError) as error:
            raise ConfigError(f"cannot read the certificate {self.certificate}: {type(error).__name__}") from error


def server_context(leaf: Leaf, *, trusted: Sequence[bytes] = ()) -> ssl.SSLContext:
    """TLS 1.3 and nothing older, with ``leaf``; ConfigError if its two halves do not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(leaf.certificate, leaf.key)
    except (OSError, ssl.SSLError) as error:
        reason = f"cannot use the certificate {leaf.certificate} with {leaf.key}: {type(error).__name__}"
        raise ConfigError(reason) from error
    # A registered certificate is believed for itself, whoever signed it; so is an issuer of ours without the root.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_mode = ssl.CERT_OPTIONAL
    if trusted:
        context.load_verify_locations(cadata=b"".join(trusted))
    return context


@dataclass(slots=True)
class Handshakes:
    """One listener's handshakes. ``context`` is for its socket; ``public`` is shown to whoever asks for its names."""

    leaf: Leaf
    public: Leaf | None = None
    context: ssl.SSLContext = field(init=False, repr=False)
    _stamps: tuple[tuple[int, ...], ...] = field(init=False, repr=False, default=())
    _ends: int = field(init=False, repr=False, default=0)
    _trusted: Sequence[bytes] = field(init=False, repr=False, default=())
    _current: ssl.SSLContext = field(init=False, repr=False)
    _public: ssl.SSLContext | None = field(init=False, repr=False, default=None)
    _public_names: frozenset[str] = field(init=False, repr=False, default=frozenset())

    def __post_init__(self) -> None:
        self.context = server_context(self.leaf)
        self._current = self.context
        self.context.sni_callback = self._choose
        self.renew()

    def trust(self, certificates: Sequence[bytes]) -> None:
        """Believe exactly these from the next handshake on: authorities, and certificates for themselves."""
        self._trusted = tuple(certificates)
        self.renew()

    def renew(self) -> None:
        """Read the files again. ConfigError if they cannot be used: what was there before stays."""
        stamps = self._stamp()
        fresh = server_context(self.leaf, trusted=self._trusted)
        public, names = None, frozenset()
        if self.public is not None and self.public.is_there():
            public = server_context(self.public, trusted=self._trusted)
            names = self.public.names()
        self._ends, self._stamps = self.leaf.ends(), stamps
        self._current, self._public, self._public_names = fresh, public, names

    def changed(self) -> bool:
        """Whether the files are others than those that were read."""
        return self._stamp() != self._stamps

    def _stamp(self) -> tuple[tuple[int, ...], ...]:
        return tuple(leaf.stamp() for leaf in (self.leaf, self.public) if leaf is not None)

    def expired(self) -> bool:
        """Whether a client would have to refuse what is shown."""
        return self._ends <= clock.now()

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
        wanted = name is not None and name.lower() in self._public_names
        connection.context = self._public if wanted and self._public is not None else self._current
