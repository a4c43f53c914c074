"""Passkeys (WebAuthn): register one, and prove one; each challenge is good once, for one purpose, for five minutes."""

import json
import secrets
from hashlib import sha256
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from lockgate.gateway.factors import find, store
from lockgate.gateway.factors.core import assertions
from lockgate.gateway.factors.core.assertions import Sent
from lockgate.gateway.factors.core.proof import NotProven, Proof
from lockgate.gateway.factors.find import PasskeyRow
from lockgate.gateway.factors.ports import NOWHERE, SEALED_FOR, Change, Ports, Whence
from lockgate.gateway.factors.totp import refuse_second
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.ids import new_id

GOOD_S = 5 * 60
MOST = 20
_CHALLENGE_BYTES = 32
_ALGORITHMS = [COSEAlgorithmIdentifier.ECDSA_SHA_256, COSEAlgorithmIdentifier.EDDSA]
_NOT_OURS = "The passkey could not be checked. Load the page again and retry."


async def begin_registration(ports: Ports, person: str, *, email: str, now: int) -> dict[str, Any]:
    """What ``navigator.credentials.create`` is given to make a passkey for ``person``."""
    known = await find.passkeys(ports.pool, person)
    if len(known) >= MOST:
        raise invalid(f"A person can have at most {MOST} passkeys: remove one first.")
    challenge = await _challenge(ports, purpose="register", person=person, now=now)
    options = generate_registration_options(
        rp_id=ports.host,
        rp_name="Lockgate",
        user_id=person.encode(),
        user_name=email,
        challenge=challenge,
        timeout=GOOD_S * 1000,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=row.credential) for row in known],
        supported_pub_key_algs=_ALGORITHMS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return json.loads(options_to_json(options))


async def finish_registration(
    ports: Ports, person: str, text: str, *, name: str, now: int, first: bool = False, whence: Whence = NOWHERE
) -> Proof:
    """Keep the passkey that an authenticator answered with. ``first``: only if there is no factor yet."""
    sent = assertions.read(text)
    await _take(ports, sent, purpose="register", person=person, now=now)
    row = await _registered(ports, person, sent, name=name, now=now)
    async with ports.pool.acquire() as connection, connection.transaction():
        await store.lock(connection, person)
        if first:
            await refuse_second(connection, person)
        if not await store.add_passkey(connection, row):
            raise invalid("This passkey is registered already.")
        await ports.changed(connection, Change(person, "passkey.add", now, row.id, whence))
    return Proof("passkey", now, user_verified=True)


async def begin(
    ports: Ports, person: str | None, *, now: int, ceremony: str | None = None, content: bytes = b""
) -> dict[str, Any]:
    """What ``navigator.credentials.get`` is given to prove a passkey of ``person``; None: whosever answers.

    ``content`` is what the person agrees to: its hash becomes part of what her authenticator signs. ``ceremony`` is a
    secret of the browser that asks: only whoever knows it can finish.
    """
    known = [] if person is None else await find.passkeys(ports.pool, person)
    challenge = await _challenge(ports, purpose="prove", person=person, ceremony=ceremony, content=content, now=now)
    options = generate_authentication_options(
        rp_id=ports.host,
        challenge=challenge,
        timeout=GOOD_S * 1000,
        allow_credentials=[
            PublicKeyCredentialDescriptor(id=row.credential, transports=assertions.transports(row.transports))
            for row in known
        ],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return json.loads(options_to_json(options))


async def finish(ports: Ports, person: str, text: str, *, now: int, content: bytes = b"") -> Proof:
    """Prove a passkey of ``person`` with her authenticator's answer to ``begin``."""
    sent = assertions.read(text)
    await _take(ports, sent, purpose="prove", person=person, content=content, now=now)
    row = await find.passkey_by_credential(ports.pool, sent.credential)
    if row is None or row.person != person:
        raise NotProven("This passkey is not one of yours.", why="unknown_passkey")
    return await _proved(ports, row, sent, now=now)


async def identify(ports: Ports, text: str, *, ceremony: str, now: int) -> tuple[str, Proof]:
    """Whose passkey answered a challenge that named nobody, and its proof."""
    sent = assertions.read(text)
    await _take(ports, sent, purpose="prove", person=None, ceremony=ceremony, now=now)
    row = await find.passkey_by_credential(ports.pool, sent.credential)
    if row is None or (sent.user_handle is not None and sent.user_handle != row.person.encode()):
        raise NotProven("This passkey is not known here.", why="unknown_passkey")
    return row.person, await _proved(ports, row, sent, now=now)


async def _challenge(
    ports: Ports,
    *,
    purpose: str,
    person: str | None,
    now: int,
    ceremony: str | None = None,
    content: bytes = b"",
) -> bytes:
    challenge = secrets.token_bytes(_CHALLENGE_BYTES) + (sha256(content).digest() if content else b"")
    await store.keep_challenge(
        ports.pool,
        sha256(challenge).digest(),
        purpose=purpose,
        person=person,
        ceremony=_hash(ceremony),
        content=content,
        expires_at=now + GOOD_S,
    )
    return challenge


async def _take(
    ports: Ports,
    sent: Sent,
    *,
    purpose: str,
    person: str | None,
    now: int,
    ceremony: str | None = None,
    content: bytes = b"",
) -> None:
    """The challenge that this answers, gone for good whatever else is wrong with the answer."""
    taken = await store.take_challenge(
        ports.pool,
        sha256(sent.challenge).digest(),
        purpose=purpose,
        person=person,
        ceremony=_hash(ceremony),
        content=content,
        now=now,
    )
    if not taken:
        raise NotProven("This took too long, or it was sent before. Try again.", why="challenge")


def _hash(ceremony: str | None) -> bytes | None:
    return None if ceremony is None else sha256(ceremony.encode()).digest()


async def _registered(ports: Ports, person: str, sent: Sent, *, name: str, now: int) -> PasskeyRow:
    try:
        made = verify_registration_response(
            credential=sent.text,
            expected_challenge=sent.challenge,
            expected_rp_id=ports.host,
            expected_origin=ports.origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except Exception as fault:  # its readers of CBOR and ASN.1 raise all sorts of things at what a stranger sent
        raise NotProven(_NOT_OURS, why=type(fault).__name__) from None
    sealed = await ports.box.seal(SEALED_FOR, person, {"name": name})
    if sealed is None:
        raise Refusal(Kind.FORBIDDEN, "This person's data was erased.")
    return PasskeyRow(
        person=person,
        id=new_id("pky"),
        created=now,
        credential=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=sent.transports,
        aaguid=made.aaguid,
        backup_eligible=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=made.credential_backed_up,
        sealed=sealed,
        last_used_at=now,
    )


async def _proved(ports: Ports, row: PasskeyRow, sent: Sent, *, now: int) -> Proof:
    try:
        done = verify_authentication_response(
            credential=sent.text,
            expected_challenge=sent.challenge,
            expected_rp_id=ports.host,
            expected_origin=ports.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=0,  # we look at the count ourselves, once the signature is known to be good
            require_user_verification=True,
        )
    except Exception as fault:  # as above
        raise NotProven(_NOT_OURS, why=type(fault).__name__) from None
    if (done.credential_device_type is CredentialDeviceType.MULTI_DEVICE) != row.backup_eligible:
        raise NotProven(_NOT_OURS, why="backup_eligibility_changed")
    count = done.new_sign_count
    if not await store.count_signature(ports.pool, row, count=count, backed_up=done.credential_backed_up, now=now):
        async with ports.pool.acquire() as connection, connection.transaction():
            await ports.changed(connection, Change(row.person, "passkey.cloned", now, row.id))
        raise NotProven(
            "This passkey may have been copied, so it was refused. Sign in another way and remove it.", why="cloned"
        )
    return Proof("passkey", now, user_verified=True)

