"""Where the vault is: a socket on this host, or another host by mutual TLS, where both sides name their program."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from lockgate.kernel.config import Home

VAULT_NAME = "vault.lockgate.internal"


@dataclass(frozen=True, slots=True)
class Link:
    """A vault on another host. The files are read at each connection: certificates live for a day and are renewed."""

    host: str
    port: int
    certificate: Path
    key: Path
    ca_file: Path

    def context(self) -> ssl.SSLContext:
        """TLS 1.3; the other side must be the vault, by a certificate of our own internal authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(self.ca_file)
        context.load_cert_chain(self.certificate, self.key)
        return context


def to_vault(home: Home, program: str) -> str | Link:
    """How ``program`` reaches the vault by this home's settings."""
    settings = home.settings().get("vault_link")
    if settings is None:
        return home.vault_socket()
    tls = home.path / "tls"
    own = tls / f"service-{program}.pem"
    return Link(settings["host"], settings["port"], own, own.with_suffix(".key"), tls / "service-ca.pem")
