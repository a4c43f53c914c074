"""For tests and operators: order faults, read the journal, give accounts keys. Needs the admin token."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from lockgate.simulator import faults
from lockgate.simulator.access import Access, BadKey, Holder
from lockgate.simulator.acquirer import Acquirer
from lockgate.simulator.api import Refused
from lockgate.simulator.journal import Journal
from lockgate.simulator.messages import BadMessage

MAX_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Admin:
    """``close_listener(ms)`` refuses new connections for a while."""

    access: Access
    acquirer: Acquirer
    journal: Journal
    faults: faults.Faults
    close_listener: Callable[[int], None]

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/admin/status", self._guarded(self._status)),
            web.get("/admin/journal", self._guarded(self._read_journal)),
            web.post("/admin/faults", self._guarded(self._order)),
            web.delete("/admin/faults", self._guarded(self._clear)),
            web.get("/admin/keys", self._guarded(self._labels)),
            web.post("/admin/keys", self._guarded(self._add_key)),
        ]

    def _guarded(
        self, handler: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if not self.access.is_admin(request):
                raise Refused(401, "unauthenticated", "The admin token is not right.")
            return await handler(request)

        return handle

    async def _status(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "last_seq": self.journal.last_seq,
                "authorizations": len(self.acquirer.by_id),
                "faults": self.faults.pending(),
            }
        )

    async def _read_journal(self, request: web.Request) -> web.Response:
        """Entries after ``since``, of one ``account`` if given; ask again from ``next_since`` while ``more``."""
        since = request.query.get("since", "0")
        if not (since.isascii() and since.isdigit() and len(since) <= 15):
            raise Refused(400, "invalid", "since must be a whole number.", field="since")
        account = request.query.get("account")
        last_seq = self.journal.last_seq
        await self.journal.durable(last_seq)
        page = self.journal.after(int(since), MAX_PAGE)
        next_since = page[-1]["seq"] if page else int(since)
        entries = [entry for entry in page if account is None or entry["account"] == account]
        return web.json_response(
            {"entries": entries, "next_since": next_since, "more": next_since < last_seq, "last_seq": last_seq}
        )

    async def _order(self, request: web.Request) -> web.Response:
        try:
            ordered = faults.parse(json.loads(await request.read()))
        except BadMessage as error:
            raise Refused(400, "invalid", str(error), field=error.field) from error
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
        """``{"key": ..., "label": "acct_...:test", "signing_key": ...}``: works at once and after every restart."""
        try:
            asked = json.loads(await request.read())
        except (ValueError, RecursionError) as error:
            raise Refused(400, "invalid", "The body is not JSON.") from error
        if not isinstance(asked, dict) or set(asked) != {"key", "label", "signing_key"}:
            raise Refused(400, "invalid", "Send key, label and signing_key, and nothing else.")
        if not all(isinstance(value, str) for value in asked.values()):
            raise Refused(400, "invalid", "key, label and signing_key are strings.")
        try:
            self.access.add(asked["key"], Holder(asked["label"], asked["signing_key"]))
        except BadKey as error:
            raise Refused(400, "invalid", str(error)) from error
        return web.json_response({"label": asked["label"]})
