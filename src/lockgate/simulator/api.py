"""The door for merchants: every message is proven, read, perhaps spoilt by an ordered fault, and answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from lockgate.kernel import clock, log
from lockgate.simulator import mishaps, parsing, signature
from lockgate.simulator.access import Access
from lockgate.simulator.clerk import Clerk
from lockgate.simulator.faults import BEFORE, Fault, Faults
from lockgate.simulator.verbs import Refused, Verb, Verbs


@dataclass(frozen=True, slots=True)
class Api:
    """The simulator's face to merchants."""

    access: Access
    clerk: Clerk
    verbs: Verbs
    faults: Faults

    def routes(self) -> list[web.RouteDef]:
        return [web.post(path, self._handler(path, verb)) for path, verb in self.verbs.by_path.items()]

    def _handler(self, path: str, verb: Verb) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            holder = self.access.holder(request)
            if holder is None:
                raise Refused(401, "unauthenticated", "The API key is not known.")
            account = holder.label
            if request.content_type != "application/json":
                raise Refused(415, "media_type", "Send application/json.")
            raw = await request.read()
            try:
                signature.check(
                    raw,
                    digest=_only(request, "Content-Digest"),
                    signature=_only(request, "X-Signature"),
                    key=holder.signing_key,
                    now=clock.now(),
                )
            except signature.Unsigned as error:
                raise Refused(401, "signature", str(error)) from error
            try:
                body = parsing.parse_json(raw)
                told = _told(body)
                fault = self.faults.take({**_facts(body), "path": path, "account": account})
                effect = partial(self._effect, verb, account, body, told=told)
                if fault is None:
                    return web.json_response(await effect())
                return await self._mishap(request, fault, effect)
            except parsing.BadMessage as error:
                raise Refused(400, "invalid", str(error), field=error.field) from error

        return handle

    async def _mishap(
        self, request: web.Request, fault: Fault, effect: Callable[..., Awaitable[dict[str, Any]]]
    ) -> web.StreamResponse:
        log.get("simulator").info("fault", fault=fault.fault, path=request.path)
        if fault.fault in BEFORE:
            return await mishaps.instead(request, fault)
        if fault.fault == "slow":
            await asyncio.sleep(fault.delay_ms / 1000)
        if fault.fault == "duplicate":
            await effect()
        said = await effect(forced=fault.decline_code)
        return await mishaps.after(request, fault, said=said)

    async def _effect(
        self, verb: Verb, account: str, body: dict[str, Any], *, told: int | None, forced: str | None = None
    ) -> dict[str, Any]:
        self.clerk.hear(account, told)
        said, seq = verb(account, body, forced)
        await self.clerk.journal.durable(seq)
        return said


def _told(body: dict[str, Any]) -> int | None:
    """The account's own time, which any message may tell; taken out, because it says nothing about what is asked."""
    if "now" not in body:
        return None
    now = parsing.integer(body, "now", low=0, high=parsing.MAX_TIME)
    del body["now"]
    return now


def _only(request: web.Request, name: str) -> str | None:
    """The header's value, if it stands there exactly once."""
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else None


_SUBJECTS = ("authorization", "payout", "dispute")


def _facts(body: dict[str, Any]) -> dict[str, Any]:
    about = next((body[name] for name in _SUBJECTS if name in body), None)
    return {"reference": body.get("reference"), "amount": body.get("amount"), "about": about}
