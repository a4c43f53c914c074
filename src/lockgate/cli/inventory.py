"""Every certificate and private key in a home's files, with purpose, algorithm and end; never the keys themselves."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization

from lockgate.cli import authorities, certificates, pemfiles
from lockgate.gateway.certificates.core import read
from lockgate.gateway.certificates.find import ServerRow
from lockgate.kernel import clock
from lockgate.kernel.config import Home


def collect(home: Home) -> list[ServerRow]:
    """What there is, by name."""
    found = []
    for name, purpose, file in (*authorities.files(home), *certificates.files(home)):
        if file.stat().st_size == 0:
            continue
        found.append(_key(name, purpose, file) if file.suffix == ".key" else _certificate(name, purpose, file))
    return found


def _certificate(name: str, purpose: str, file: Path) -> ServerRow:
    certificate = pemfiles.load(file)
    assert certificate is not None, "it is there, and not empty"
    facts = read.facts(certificate)
    return ServerRow(
        name, purpose, "certificate", str(file), facts.subject_text, facts.issuer, facts.serial, facts.algorithm,
        facts.thumbprint, facts.not_before, facts.not_after, clock.now(),
    )  # fmt: skip


def _key(name: str, purpose: str, file: Path) -> ServerRow:
    text = file.read_bytes()
    algorithm = (
        "sealed"
        if b"ENCRYPTED" in text
        else read.algorithm(serialization.load_pem_private_key(text, None))
    )
    return ServerRow(name, purpose, "key", str(file), "", "", "", algorithm, None, None, None, clock.now())
