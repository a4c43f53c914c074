"""What signs merchants' client certificates: made under the offline root, its private half under the vault's key."""

import os
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.gateway.audit.record import record
from lockgate.gateway.certificates import find, store
from lockgate.gateway.certificates.core import build, words
from lockgate.gateway.certificates.core.build import Issuer
from lockgate.gateway.certificates.find import AuthorityRow
from lockgate.gateway.certificates.ports import Box
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal

PLATFORM, PURPOSE = "platform", "client-ca"
_FORMAT = b"\x01"
_NONCE_BYTES = 12


class Signing(NamedTuple):
    """An issuer that is open for one signature."""

    id: str
    issuer: Issuer


def is_due(row: AuthorityRow | None, *, now: int) -> bool:
    """Whether another issuer has to take over: this one could soon not outlive what it signs."""
    return row is None or row.not_after - now < words.RENEW_ISSUER_BELOW_DAYS * words.DAY_S


async def newest(pool: Pool | Connection) -> AuthorityRow | None:
    """The issuer that signs now."""
    return next(iter(await find.authorities(pool)), None)


async def install(pool: Pool, box: Box, root: Issuer, *, by: Principal) -> AuthorityRow:
    """A new issuer under ``root``; what older ones signed stays good until it ends."""
    now, id_ = clock.now(), new_id("ica")
    key = ec.generate_private_key(ec.SECP256R1())
    lasts = build.period(
        now, words.ISSUER_DAYS * words.DAY_S, within=int(root.certificate.not_valid_after_utc.timestamp())
    )
    certificate = build.issuer(
        root,
        key.public_key(),
        build.name(f"Lockgate client certificates {id_[-6:]}"),
        serial=x509.random_serial_number(),
        lasts=lasts,
        purpose=build.CLIENT,
    )
    sealed = await _seal(box, id_, key)
    row = AuthorityRow(
        id_, now, lasts.begins, lasts.ends, certificate.public_bytes(serialization.Encoding.DER), sealed
    )
    async with pool.acquire() as connection, connection.transaction():
        await store.lock_authorities(connection)
        await store.insert_authority(connection, row)
        await store.lock_trust(connection)
        detail = {"not_after": row.not_after, "serial": f"{certificate.serial_number:x}"}
        await insert_audits(
            connection, [record(by, "certificate_authority.create", object_=id_, request=None, detail=detail)]
        )
    return row


async def to_sign(pool: Pool | Connection, box: Box, *, id_: str | None = None) -> Signing:
    """The issuer ``id_``, or the newest, with its private half; hold it for one signature only."""
    rows = await find.authorities(pool)
    row = next((row for row in rows if id_ is None or row.id == id_), None)
    if row is None or row.not_after <= clock.now():
        raise Refusal(
            Kind.UNAVAILABLE, "No authority can sign certificates now. The operator renews it with 'lockgate up'."
        )
    key = await _unseal(box, row)
    return Signing(row.id, Issuer(x509.load_der_x509_certificate(row.certificate), key))


async def _seal(box: Box, id_: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    text = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return _FORMAT + nonce + AESGCM(await _key(box)).encrypt(nonce, text, _bound(id_))


async def _unseal(box: Box, row: AuthorityRow) -> ec.EllipticCurvePrivateKey:
    assert row.sealed[:1] == _FORMAT, "an unknown format"
    nonce, text = row.sealed[1 : 1 + _NONCE_BYTES], row.sealed[1 + _NONCE_BYTES :]
    key = serialization.load_der_private_key(AESGCM(await _key(box)).decrypt(nonce, text, _bound(row.id)), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "no other kind is made here"
    return key


async def _key(box: Box) -> bytes:
    key = await box.key(PLATFORM, PURPOSE, PLATFORM)
    assert key is not None, "the platform is nobody's person: its keys are never shredded"
    return key


def _bound(id_: str) -> bytes:
    return f"{PLATFORM}|{PURPOSE}|{id_}".encode()
