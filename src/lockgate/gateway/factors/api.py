"""The operations on one's own second factors. Each change needs a fresh proof, and ends the sessions one has."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.factors import held, passkeys, recovery, totp
from lockgate.gateway.factors.core.proof import NotProven
from lockgate.gateway.factors.core.shapes import (
    ENROLLED,
    FACTOR,
    PASSKEY_ENROLLMENT,
    RECOVERY_CODES,
    TOTP_ENROLLMENT,
)
from lockgate.gateway.factors.ports import Ports, Whence
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.paging import listing
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Call, Operation
from lockgate.kernel.params import Object, Text, required

_NAME = required(Text(80), "What to call it: a device, or where it is kept.")
_TOTP = Object({"name": _NAME})
_CODE = Object({"code": required(Text(20, secret=True), "What the app shows now.")})
_PASSKEY = Object({"name": _NAME, "proof": required(Text(20_000, secret=True), "The authenticator's answer as JSON.")})


def operations(ports: Ports, email_of: Callable[[str], Awaitable[str]]) -> list[Operation]:
    """List, add, remove. ``email_of`` tells the address under which apps and authenticators list us."""

    async def list_(call: Call) -> Mapping[str, Any]:
        found = await held.factors(ports, _person(call))
        return listing("/v1/factors", [FACTOR.render(asdict(one)) for one in found], has_more=False)

    async def begin_totp(call: Call) -> Mapping[str, Any]:
        person = _person(call)
        begun = await totp.begin(
            ports, person, email=await email_of(person), name=call.params["name"], now=clock.now(),
            told=[_begun(call, "totp")],
        )  # fmt: skip
        return TOTP_ENROLLMENT.render({"id": begun.id, "secret": begun.secret, "uri": begun.uri})

    async def confirm_totp(call: Call) -> Mapping[str, Any]:
        try:
            await totp.confirm(
                ports, _person(call), call.params["code"], now=clock.now(), whence=_whence(call)
            )
        except NotProven as refusal:
            raise _wrong(refusal, "code") from None
        return ENROLLED.render({"kind": "totp"})

    async def begin_passkey(call: Call) -> Mapping[str, Any]:
        person = _person(call)
        await insert_audits(ports.pool, [_begun(call, "passkey")])
        options = await passkeys.begin_registration(ports, person, email=await email_of(person), now=clock.now())
        return PASSKEY_ENROLLMENT.render({"options": options})

    async def add_passkey(call: Call) -> Mapping[str, Any]:
        try:
            await passkeys.finish_registration(
                ports, _person(call), call.params["proof"], name=call.params["name"], now=clock.now(),
                whence=_whence(call),
            )  # fmt: skip
        except NotProven as refusal:
            raise _wrong(refusal, "proof") from None
        return ENROLLED.render({"kind": "passkey"})

    async def remove(call: Call) -> Mapping[str, Any]:
        id_ = call.path["factor"]
        await held.remove(ports, _person(call), id_, now=clock.now(), whence=_whence(call))
        return {"id": id_, "object": "factor", "deleted": True}

    async def renew_codes(call: Call) -> Mapping[str, Any]:
        codes = await recovery.renew(ports, _person(call), now=clock.now(), whence=_whence(call))
        return RECOVERY_CODES.render({"codes": codes})

    return [
        Operation(
            name="factor.list", method="GET", path="/v1/factors", resource="profile", access="read", handler=list_,
            params=Object({}), returns=FACTOR, form="list", summary="One's own second factors.",
        ),
        Operation(
            name="factor.begin_totp", method="POST", path="/v1/factors/totp", resource="profile", access="write",
            handler=begin_totp, params=_TOTP, returns=TOTP_ENROLLMENT, audit="factor.begin", privilege="factors",
            summary="Begin to add an authenticator app: its secret, shown once.",
        ),
        Operation(
            name="factor.confirm_totp", method="POST", path="/v1/factors/totp/confirm", resource="profile",
            access="write", handler=confirm_totp, params=_CODE, returns=ENROLLED, audit="totp.add",
            privilege="factors", limit="proof",
            summary="Add the authenticator app that was begun, by the code that it shows.",
        ),
        Operation(
            name="factor.begin_passkey", method="POST", path="/v1/factors/passkeys/challenge", resource="profile",
            access="write", handler=begin_passkey, params=Object({}), returns=PASSKEY_ENROLLMENT,
            audit="factor.begin", privilege="factors", summary="Begin to add a passkey: what the browser asks for.",
        ),
        Operation(
            name="factor.add_passkey", method="POST", path="/v1/factors/passkeys", resource="profile",
            access="write", handler=add_passkey, params=_PASSKEY, returns=ENROLLED, audit="passkey.add",
            privilege="factors", summary="Add the passkey that the authenticator answered with.",
        ),
        Operation(
            name="factor.delete", method="DELETE", path="/v1/factors/{factor}", resource="profile", access="write",
            handler=remove, params=Object({}), returns=FACTOR, form="deleted", audit="factor.remove",
            privilege="factors", summary="Remove a factor; the last one stays.",
        ),
        Operation(
            name="factor.recovery_codes", method="POST", path="/v1/factors/recovery_codes", resource="profile",
            access="write", handler=renew_codes, params=Object({}), returns=RECOVERY_CODES,
            audit="recovery_codes.renew", privilege="factors",
            summary="New recovery codes, shown once; the old ones end.",
        ),
    ]  # fmt: skip


def _begun(call: Call, kind: str) -> AuditRow:
    return record(
        call.principal, "factor.begin", object_=call.principal.id, request=call.request_id, detail={"factor": kind}
    )


def _person(call: Call) -> str:
    if call.principal.kind != "person":
        raise Refusal(Kind.FORBIDDEN, "Only somebody who is signed in has factors.", code="person_required")
    if call.claim is not None:
        raise Refusal(Kind.INVALID, "Factors are not changed under an Idempotency-Key: secrets are shown once.")
    return call.principal.id


def _whence(call: Call) -> Whence:
    return Whence(call.principal.address, call.principal.user_agent, call.request_id)


def _wrong(refusal: NotProven, param: str) -> Refusal:
    """Whoever is signed in stays so: only this proof was wrong."""
    return Refusal(Kind.FORBIDDEN, refusal.message, code=refusal.code, param=param)
