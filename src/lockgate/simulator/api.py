"""What a merchant's adapter may ask over HTTPS: authorise, complete, capture, void, refund, inquire, reverse."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from lockgate.kernel import clock, ids, log
from lockgate.simulator import messages, mishaps, signature
from lockgate.simulator.access import Access
from lockgate.simulator.acquirer import Acquirer, Entry, Fresh
from lockgate.simulator.faults import BEFORE, Fault, Faults
from lockgate.simulator.journal import Journal

Answer = tuple[dict[str, Any], int]
"""What to say, and the journal entry that must be on disk before it is said."""


class Refused(Exception):
    """A message that had no effect; becomes an error answer."""

    def __init__(self, status: int, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, "field": field}}


@dataclass(frozen=True, slots=True)
class Api:
    """The simulator's face to merchants. ``origin`` is its own public address."""

    access: Access
    acquirer: Acquirer
    journal: Journal
    faults: Faults
    origin: str

    def routes(self) -> list[web.RouteDef]:
        verbs: dict[str, Callable[..., Answer]] = {
            "/authorizations": self._authorize,
            "/authorizations/complete": self._complete,
            "/captures": self._capture,
            "/voids": self._void,
            "/refunds": self._refund,
            "/inquiries": self._inquire,
            "/reversals": self._reverse,
        }
        return [web.post(path, self._handler(path, verb)) for path, verb in verbs.items()]

    def _handler(self, path: str, verb: Callable[..., Answer]) -> Callable[[web.Request], Any]:
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
                body = messages.parse_json(raw)
                fault = self.faults.take({**_facts(body), "path": path, "account": account})
                if fault is None:
                    return web.json_response(await self._effect(verb, account, body))
                effect = partial(self._effect, verb, account, body)
                return await self._mishap(request, fault, effect)
            except messages.BadMessage as error:
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
        self, verb: Callable[..., Answer], account: str, body: dict[str, Any], *, forced: str | None = None
    ) -> dict[str, Any]:
        said, seq = verb(account, body, forced)
        await self.journal.durable(seq)
        return said

    def _authorize(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask = messages.authorization(body)
        now = clock.now()
        today = datetime.fromtimestamp(now, UTC)
        return self._replayed(account, ask.reference, ask.digest) or self._record(
            self.acquirer.authorize(
                account,
                ask,
                fresh=Fresh(id=ids.new_id("sau"), challenge=f"acs_{ids.random_token(32)}", network=ids.new_id("ntx")),
                origin=self.origin,
                now=now,
                in_date=(ask.exp_year, ask.exp_month) >= (today.year, today.month),
                forced=forced,
            )
        )

    def _complete(self, account: str, body: dict[str, Any], _forced: str | None) -> Answer:
        ask = messages.completion(body)
        replayed = self._replayed(account, ask.reference, ask.digest)
        if replayed is not None:
            return replayed
        held = self.acquirer.by_id.get((account, ask.authorization))
        if held is None:
            raise Refused(404, "authorization_unknown", "No such authorization.", field="authorization")
        before = self.journal.entry(held.answer_seq)
        return self._record(self.acquirer.complete(account, ask, before=before, network=ids.new_id("ntx")))

    def _capture(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask = messages.capture(body)
        return self._replayed(account, ask.reference, ask.digest) or self._record(
            self.acquirer.capture(account, ask, id_=ids.new_id("sca"), now=clock.now(), forced=forced)
        )

    def _refund(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask = messages.refund(body)
        return self._replayed(account, ask.reference, ask.digest) or self._record(
            self.acquirer.refund(account, ask, id_=ids.new_id("srf"), forced=forced)
        )

    def _void(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask = messages.void(body)
        return self._replayed(account, ask.reference, ask.digest) or self._record(
            self.acquirer.void(account, ask, id_=ids.new_id("svo"), forced=forced)
        )

    def _reverse(self, account: str, body: dict[str, Any], _forced: str | None) -> Answer:
        return self._record(self.acquirer.reverse(account, messages.reference(body), id_=ids.new_id("srv")))

    def _inquire(self, account: str, body: dict[str, Any], _forced: str | None) -> Answer:
        reference = messages.reference(body)
        step = self.acquirer.steps.get((account, reference))
        if step is None:
            return {"found": False, "reference": reference}, self.journal.last_seq
        held = self.acquirer.find(account, reference)
        if held is None:
            said = self.journal.entry(step.seq)["answer"]
        else:
            said = self.journal.entry(held.answer_seq)["answer"] | {"status": held.status, "reference": reference}
        return {"found": True, "kind": step.kind, **said}, self.journal.last_seq

    def _replayed(self, account: str, reference: str, digest: str) -> Answer | None:
        step = self.acquirer.steps.get((account, reference))
        if step is None:
            return None
        if step.digest != digest:
            raise Refused(409, "reference_reused", "This reference stands for another message.", field="reference")
        return self.journal.entry(step.seq)["answer"], step.seq

    def _record(self, entry: Entry) -> Answer:
        entry["time_ms"] = clock.now_ms()
        seq = self.journal.append(entry)
        self.acquirer.apply(entry)
        return entry["answer"], seq


def _only(request: web.Request, name: str) -> str | None:
    """The header's value, if it stands there exactly once."""
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else None


def _facts(body: dict[str, Any]) -> dict[str, Any]:
    return {"reference": body.get("reference"), "amount": body.get("amount")}
