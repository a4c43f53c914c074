"""Signing in over the API: what has no key yet, so everything here is posted, limited hard, and answered alike."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.people import accept_invitation, render, reset_password, sessions, sign_in, unlock
from lockgate.gateway.people.new_password import PARAM as NEW_PASSWORD
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.people.sign_in import From
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Hook, Posted
from lockgate.kernel.params import Choice, Object, Text, nest, optional, read_fields, required

MAX_BYTES = 32 * 1024
LIMIT = "login"
_SECRET = Text(64, 16, pattern=r"[A-Za-z0-9_-]+", secret=True)
_ID = Text(64, pattern=r"[a-z]+_[0-9A-Za-z]+")
_EMAIL = Text(254, 3, secret=True)
_PASSWORD = Text(1024, secret=True)
_PROOF = Text(16 * 1024, secret=True)
_DEVICE = optional(_SECRET, "The device secret of an earlier sign-in here: others' wrong guesses do not lock it out.")
_FACTOR = Choice("totp", "passkey", "recovery_code")
_FIRST_FACTOR = Choice("totp", "passkey")

_BEGIN = Object({"email": required(_EMAIL), "password": required(_PASSWORD), "device": _DEVICE})
_PROVE = Object(
    {
        "id": required(_ID), "secret": required(_SECRET), "method": required(_FACTOR), "proof": required(_PROOF),
        "device": _DEVICE,
    }
)  # fmt: skip
_ENROLL = Object({"id": required(_ID), "secret": required(_SECRET), "method": required(_FIRST_FACTOR)})
_CONFIRM = Object(
    {
        "id": required(_ID), "secret": required(_SECRET), "method": required(_FIRST_FACTOR), "proof": required(_PROOF),
        "device": _DEVICE,
    }
)  # fmt: skip
_REFRESH = Object({"refresh_token": required(_SECRET)})
_PASSKEY = Object({"ceremony": required(Text(256, secret=True)), "proof": required(_PROOF), "device": _DEVICE})
_LOOK = Object({"secret": required(_SECRET)})
_ACCEPT = Object(
    {
        "secret": required(_SECRET), "email": optional(_EMAIL), "name": optional(Text(200)),
        "password": required(NEW_PASSWORD), "device": _DEVICE,
    }
)  # fmt: skip
_FORGOT = Object({"email": required(_EMAIL)})
_RESET = Object({"secret": required(_SECRET), "password": required(NEW_PASSWORD)})

Work = Callable[[dict[str, Any], From, int], Awaitable[Mapping[str, Any]]]


def hooks(ports: Ports) -> list[Hook]:
    """Sign-in, its second factor, refresh, passkeys, invitations, forgotten passwords and locks."""

    async def begin(given: dict[str, Any], from_: From, now: int) -> Mapping[str, Any]:
        return render.begun(await sign_in.begin(ports, given["email"], given["password"], from_=from_, now=now))

    async def prove(given: dict[str, Any], from_: From, now: int) -> Mapping[str, Any]:
        return render.finished(
            await sign_in.prove(
                ports, given["id"], given["secret"], method=given["method"], proof=given["proof"], from_=from_, now=now
            )
        )

    async def enroll(given: dict[str, Any], _from: From, now: int) -> Mapping[str, Any]:
        enrolling = await sign_in.enroll(ports, given["id"], given["secret"], method=given["method"], now=now)
        return {"object": "factor_enrollment", "method": given["method"], **enrolling}

    async def confirm(given: dict[str, Any], from_: From, now: int) -> Mapping[str, Any]:
        return render.finished(
            await sign_in.confirm(
                ports, given["id"], given["secret"], method=given["method"], proof=given["proof"], from_=from_, now=now
            )
        )

    async def refresh(given: dict[str, Any], from_: From, now: int) -> Mapping[str, Any]:
        started = await sessions.refresh(
            ports, given["refresh_token"], address=from_.address, user_agent=from_.user_agent, now=now,
            request=from_.request,
        )  # fmt: skip
        return render.started(started)

    async def begin_passkey(_given: dict[str, Any], _from: From, now: int) -> Mapping[str, Any]:
        return {"object": "passkey_challenge", **await ports.factors.begin_assertion(now=now)}

    async def passkey(given: dict[str, Any], from_: From, now: int) -> Mapping[str, Any]:
        return render.finished(await sign_in.by_passkey(ports, given["ceremony"], given["proof"], from_=from_, now=now))

    async def look(given: dict[str, Any], _from: From, now: int) -> Mapping[str, Any]:
        return render.shown(await accept_invitation.look(ports, given["secret"], now=now))

    async def accept(given: dict[str, Any], from_: From, now: int) -> Mapping[str, Any]:
        begun = await accept_invitation.accept(
            ports, given["secret"], email=given.get("email"), name=given.get("name"), password=given["password"],
            from_=from_, now=now,
        )  # fmt: skip
        return render.begun(begun)

    async def forgot(given: dict[str, Any], from_: From, now: int) -> Mapping[str, Any]:
        await reset_password.ask(ports, given["email"], from_=from_, now=now)
        return {"object": "password_reset", "sent": True}

    async def reset(given: dict[str, Any], from_: From, now: int) -> Mapping[str, Any]:
        await reset_password.reset(ports, given["secret"], given["password"], from_=from_, now=now)
        return {"object": "password_reset", "done": True}

    async def open_lock(given: dict[str, Any], from_: From, now: int) -> Mapping[str, Any]:
        return {"object": "device", "secret": await unlock.unlock(ports, given["secret"], from_=from_, now=now)}

    return [
        _hook("/v1/sessions", _BEGIN, begin),
        _hook("/v1/sessions/prove", _PROVE, prove),
        _hook("/v1/sessions/enroll", _ENROLL, enroll),
        _hook("/v1/sessions/confirm", _CONFIRM, confirm),
        _hook("/v1/sessions/refresh", _REFRESH, refresh, limit="token"),
        _hook("/v1/sessions/passkey_challenge", Object({}), begin_passkey),
        _hook("/v1/sessions/passkey", _PASSKEY, passkey),
        _hook("/v1/sessions/unlock", _LOOK, open_lock),
        _hook("/v1/invitations/look", _LOOK, look),
        _hook("/v1/invitations/accept", _ACCEPT, accept),
        _hook("/v1/passwords/forgot", _FORGOT, forgot),
        _hook("/v1/passwords/reset", _RESET, reset),
    ]


def _hook(path: str, params: Object, work: Work, *, limit: str = LIMIT) -> Hook:
    async def handler(posted: Posted) -> Answer:
        kind = posted.headers.get("content-type", "").partition(";")[0].strip().lower()
        if posted.body and kind != "application/x-www-form-urlencoded":
            raise Refusal(Kind.MEDIA_TYPE, "Send parameters as application/x-www-form-urlencoded.")
        given = params.parse(nest(read_fields(posted.body)), "")
        from_ = From(
            posted.address, posted.headers.get("user-agent", "")[:200], posted.request_id, given.pop("device", None)
        )
        answer = await work(given, from_, clock.now())
        return Answer(200, json.dumps(answer, separators=(",", ":")).encode())

    return Hook(path, handler, MAX_BYTES, limit)
