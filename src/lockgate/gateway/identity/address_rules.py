"""Holds each request against the address rules of its account, which are believed for a second at most."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import find_addresses
from lockgate.gateway.identity.core.address_rules import AddressRule, unsatisfied
from lockgate.gateway.identity.remembered import Remembered
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock, log
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import Principal

FIRST_S, EVERY_S = 1.0, 60.0  # a dry run's first record comes soon, later ones count a minute
MOST_NAMED = 20
MOST_COUNTED = 10_000
_logger = log.get("identity")


@dataclass(slots=True)
class _Count:
    """What one rule on trial would have refused since its last record."""

    account: str
    livemode: bool
    times: int = 0
    addresses: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)
    written_at: float | None = None


class AddressRules:
    """A request must satisfy every enforced rule that names it. Where the rules cannot be read nothing passes."""

    def __init__(self, pool: Pool, witness: Witness, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._pool = pool
        self._witness = witness
        self._monotonic = monotonic
        self._known: Remembered[tuple[str, bool], tuple[AddressRule, ...]] = Remembered(
            self._read, monotonic=monotonic
        )
        self._counts: dict[str, _Count] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def check(self, principal: Principal, operation: Operation, *, request: str) -> None:
        """Raises Refusal (403) where a rule leaves the principal's address out; that is on record before."""
        await self.check_endpoint(principal, operation.name, resource=operation.resource, request=request)

    async def check_endpoint(
        self, principal: Principal, name: str, *, request: str, resource: str | None = None
    ) -> None:
        """The same where there is no operation: apps get their tokens there, people decide on pages. ``name`` is what
        records call it.
        """
        if principal.kind == "internal":
            return
        place = (principal.account, principal.livemode)
        rules = self._known.peek(place)
        if rules is None:
            rules = await self._known.get(place)
        if not rules:
            return
        broken = unsatisfied(rules, principal, resource)
        for rule in broken:
            if not rule.enforced:
                self._count(rule, principal, name)
        enforced = next((rule for rule in broken if rule.enforced), None)
        if enforced is not None:
            await self._witness.refused(
                principal, "address.refused", reason=name, request=request, object_=enforced.id
            )
            raise Refusal(
                Kind.FORBIDDEN,
                "This credential may not be used from this address.",
                code="address_not_allowed",
            )

    def forget(self, account: str, livemode: bool) -> None:
        """Read the rules anew at their next use: they were changed here."""
        self._known.forget((account, livemode))

    async def close(self) -> None:
        """Write what is still only counted."""
        if self._timer is not None:
            self._timer.cancel()
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))
        await self._write(everything=True)

    async def _read(self, place: tuple[str, bool]) -> tuple[AddressRule, ...]:
        return tuple(row.rule for row in await find_addresses.address_rules(self._pool, *place))

    def _count(self, rule: AddressRule, principal: Principal, name: str) -> None:
        count = self._counts.get(rule.id)
        if count is None:
            if len(self._counts) >= MOST_COUNTED:
                return
            count = self._counts[rule.id] = _Count(principal.account, principal.livemode)
        count.times += 1
        if len(count.addresses) < MOST_NAMED:
            count.addresses.add(principal.address)
        if len(count.operations) < MOST_NAMED:
            count.operations.add(name)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FIRST_S, self._due)

    def _due(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self._write_later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._counts:
            self._timer = asyncio.get_running_loop().call_later(FIRST_S, self._due)

    async def _write_later(self) -> None:
        try:
            await self._write()
        except Exception:
            _logger.exception("what rules on trial would have refused could not be written")

    async def _write(self, *, everything: bool = False) -> None:
        now = self._monotonic()
        rows = []
        for id_, count in list(self._counts.items()):
            waited = None if count.written_at is None else now - count.written_at
            if not everything and waited is not None and waited < EVERY_S:
                continue
            if count.times:
                who = Principal(count.account, count.livemode, "internal", "address_rules")
                detail = {
                    "count": count.times, "addresses": sorted(count.addresses), "operations": sorted(count.operations),
                }  # fmt: skip
                rows.append(record(
                    who, "address.would_refuse", object_=id_, request=None, outcome="allowed", detail=detail
                ))  # fmt: skip
                self._counts[id_] = _Count(count.account, count.livemode, written_at=now)
            else:
                del self._counts[id_]
        if rows:
            await insert_audits(self._pool, rows)
