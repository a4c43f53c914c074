"""For tests and operators: order faults and events, read the journal, give accounts keys. Needs the admin token."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from lockgate.kernel import ids
from lockgate.simulator import disputes, faults
from lockgate.simulator.access import Access, BadKey, Holder
from lockgate.simulator.acquirer import Entry, Held
from lockgate.simulator.clerk import Clerk
from lockgate.simulator.notify import FORGERIES, Notifier
from lockgate.simulator.parsing import REFERENCE, BadMessage, closed, flag, matching, parse_json
from lockgate.simulator.verbs import Refused

MAX_PAGE = 5_000
_LABEL = re.compile(r"acct_[0-9A-Za-z]{1,40}:(test|live)")
_KEYS = {"key", "label", "signing_key", "notification_key"}
_KINDS = ("step", "dispute", "early_fraud_warning", "payout")


@dataclass(frozen=True, slots=True)
class Admin:
    """``close_listener(ms)`` refuses new connections for a while; without ``notifier`` there is nobody to tell."""

    access: Access
    clerk: Clerk
    faults: faults.Faults
    notifier: Notifier | None
    close_listener: Callable[[int], None]

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/admin/status", self._guarded(self._status)),
            web.get("/admin/journal", self._guarded(self._read_journal)),
            web.post("/admin/faults", self._guarded(self._order)),
            web.delete("/admin/faults", self._guarded(self._clear)),
            web.get("/admin/keys", self._guarded(self._labels)),
            web.post("/admin/keys", self._guarded(self._add_key)),
            web.post("/admin/disputes", self._guarded(self._raise_dispute)),
            web.post("/admin/warnings", self._guarded(self._warn)),
            web.post("/admin/notifications", self._guarded(self._notify)),
        ]

    def _guarded(
        self, handler: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if not self.access.is_admin(request):
                raise Refused(401, "unauthenticated", "The admin token is not right.")
            try:
                return await handler(request)
            except BadMessage as error:
                raise Refused(400, "invalid", str(error), field=error.field) from error

        return handle

    async def _status(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "last_seq": self.clerk.journal.last_seq,
                "authorizations": len(self.clerk.books.acquirer.by_id),
                "untold": len(self.clerk.books.untold),
                "faults": self.faults.pending(),
            }
        )

    async def _read_journal(self, request: web.Request) -> web.Response:
        """Entries after ``since``, of one ``account`` if given; ask again from ``next_since`` while ``more``."""
        since = request.query.get("since", "0")
        if not (since.isascii() and since.isdigit() and len(since) <= 15):
            raise Refused(400, "invalid", "since must be a whole number.", field="since")
        account = request.query.get("account")
        last_seq = self.clerk.journal.last_seq
        await self.clerk.journal.durable(last_seq)
        page = self.clerk.journal.after(int(since), MAX_PAGE)
        next_since = page[-1]["seq"] if page else int(since)
        entries = [entry for entry in page if account is None or entry["account"] == account]
        return web.json_response(
            {"entries": entries, "next_since": next_since, "more": next_since < last_seq, "last_seq": last_seq}
        )

    async def _order(self, request: web.Request) -> web.Response:
        try:
            ordered = faults.parse(json.loads(await request.read()))
        except BadMessage:
            raise
        except (ValueError, RecursionError) as error:
            raise Refused(400, "invalid", "The body is not JSON.") from error
        self.faults.order([fault for fault in ordered if fault.fault != "refuse"])
        for fault in ordered:
            if fault.fault == "refuse":
                self.close_listener(fault.delay_ms)
        return web.json_response({"faults": self.faults.pending()})

    async def _clear(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return web.json_response({"faults": []})

    async def _labels(self, _request: web.Request) -> web.Response:
        """The accounts and modes that have a key; never a key."""
        return web.json_response({"labels": self.access.labels()})

    async def _add_key(self, request: web.Request) -> web.Response:
        """``{"key", "label": "acct_...:test", "signing_key", "notification_key"}``: works at once and ever after."""
        try:
            asked = json.loads(await request.read())
        except (ValueError, RecursionError) as error:
            raise Refused(400, "invalid", "The body is not JSON.") from error
        if not isinstance(asked, dict) or set(asked) != _KEYS:
            raise Refused(400, "invalid", "Send key, label, signing_key and notification_key, and nothing else.")
        if not all(isinstance(value, str) for value in asked.values()):
            raise Refused(400, "invalid", "key, label, signing_key and notification_key are strings.")
        key = asked.pop("key")
        try:
            self.access.add(key, Holder(**asked))
        except BadKey as error:
            raise Refused(400, "invalid", str(error)) from error
        return web.json_response({"label": asked["label"]})

    async def _raise_dispute(self, request: web.Request) -> web.Response:
        """``{"account", "reference", "reason"?, "inquiry"?}``: dispute what was captured under this reference."""
        body = parse_json(await request.read())
        closed(body, required=("account", "reference"), optional=("reason", "inquiry"))
        account, held = self._captured(body)
        reason = _one_of(body, "reason", disputes.REASONS, default="fraudulent")
        if self.clerk.books.disputes.is_disputed(account, held.id):
            raise Refused(409, "disputed_already", "This payment was disputed before.", field="reference")
        return await self._recorded(
            self.clerk.books.raise_dispute(
                account,
                held,
                id_=ids.new_id("sdp"),
                reason=reason,
                inquiry=flag(body, "inquiry"),
                now=self.clerk.now(account),
            )
        )

    async def _warn(self, request: web.Request) -> web.Response:
        """``{"account", "reference", "fraud_type"?}``: warn of fraud in what was captured under this reference."""
        body = parse_json(await request.read())
        closed(body, required=("account", "reference"), optional=("fraud_type",))
        account, held = self._captured(body)
        fraud_type = _one_of(body, "fraud_type", disputes.FRAUD_TYPES, default="misc")
        now = self.clerk.now(account)
        return await self._recorded(
            self.clerk.books.warn(account, held, id_=ids.new_id("sfw"), fraud_type=fraud_type, now=now)
        )

    async def _notify(self, request: web.Request) -> web.Response:
        """``{"account", "kind", "reference"}``: tell this, as if it had happened; ``forged``: once, and unsoundly."""
        body = parse_json(await request.read())
        closed(body, required=("account", "kind", "reference"), optional=("forged",))
        account, reference = matching(body, "account", _LABEL), matching(body, "reference", REFERENCE)
        kind = _one_of(body, "kind", _KINDS, default="")
        if "forged" not in body:
            about = {"account": account, "kind": "notification", "reference": reference, "id": ids.new_id("san")}
            notices = [{"kind": kind, "reference": reference}]
            told = {"amount": 0, "currency": "", "status": "ordered", "notices": notices}
            return await self._recorded(about | told)
        how = _one_of(body, "forged", FORGERIES, default="")
        if self.notifier is None:
            raise Refused(409, "nobody_to_tell", "settings.json has no api.url.")
        return web.json_response({"status": await self.notifier.forge(account, kind, reference, how=how)})

    def _captured(self, body: dict[str, Any]) -> tuple[str, Held]:
        account = matching(body, "account", _LABEL)
        held = self.clerk.books.acquirer.find(account, matching(body, "reference", REFERENCE))
        if held is None or held.status != "approved" or held.captured <= held.refunded:
            raise Refused(404, "payment_unknown", "Nothing is captured under this reference.", field="reference")
        return account, held

    async def _recorded(self, entry: Entry) -> web.Response:
        _, seq = self.clerk.record(entry)
        await self.clerk.journal.durable(seq)
        return web.json_response({"id": entry["id"], "seq": seq})


def _one_of(body: dict[str, Any], name: str, words: tuple[str, ...], *, default: str) -> str:
    value = body.get(name, default)
    if value not in words:
        raise BadMessage(name, f"must be one of {', '.join(words)}")
    return value
