"""Proves a second factor again in a session that goes on: it gets a new id and new tokens, and the old ones end."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.approvals.core.shapes import CHALLENGE, STEP_UP
from lockgate.gateway.approvals.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.gateway.factors import passkeys
from lockgate.gateway.factors.core.proof import NotProven
from lockgate.gateway.factors.second import Factors
from lockgate.gateway.people import sessions
from lockgate.gateway.people.sessions import Started
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Call
from lockgate.kernel.principal import Principal


async def challenge(ports: Ports, call: Call) -> Mapping[str, Any]:
    """What the caller's passkey is asked for."""
    person, session = _session(call.principal)
    told = record(call.principal, "session.challenge", object_=session, request=call.request_id)
    await insert_audits(ports.pool, [told])
    options = await passkeys.begin(ports.factors, person, now=clock.now())
    return CHALLENGE.render({"options": options, "summary": "Prove that it is still you"})


async def prove_again(ports: Ports, call: Call) -> Mapping[str, Any]:
    """The session under its new id. Not for idempotency keys: the answer holds tokens, and a proof is good once."""
    if call.claim is not None:
        raise Refusal(Kind.INVALID, "This cannot be asked with an Idempotency-Key: a proof is good once anyway.")
    started = await renewed(
        ports, call.principal, method=call.params["method"], proof=call.params["proof"], request=call.request_id
    )
    return STEP_UP.render(
        {
            "id": started.session.id,
            "access_token": started.access,
            "expires_in": started.access_s,
            "proved_at": started.session.proved_at,
            "refresh_token": started.refresh,
        }
    )


async def renewed(ports: Ports, principal: Principal, *, method: str, proof: str, request: str | None) -> Started:
    """Check the proof, and carry the session on. A recovery code is for coming back, not for this."""
    person, session = _session(principal)
    now = clock.now()
    if method not in ("totp", "passkey"):
        raise invalid("Invalid method: must be one of totp, passkey.", param="method")
    try:
        proved = await Factors(ports.factors).proved(person, method=method, proof=proof, now=now)
    except NotProven as refusal:
        await ports.witness.refused(principal, "factor.refused", reason=refusal.why, request=request, object_=session)
        raise Refusal(Kind.FORBIDDEN, refusal.message, code=refusal.code, param="proof") from None
    told = record(principal, "session.step_up", object_=session, request=request, detail={"factor": proved.kind})
    return await sessions.step_up(ports.people, session, factor=proved.kind, now=now, told=[told])


def _session(principal: Principal) -> tuple[str, str]:
    if principal.kind != "person" or principal.session is None:
        raise Refusal(Kind.FORBIDDEN, "Only somebody who is signed in can do this.", code="person_required")
    return principal.id, principal.session
