"""What the guard asks before a privileged operation: a fresh proof, and an approval of exactly this, used up by it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockgate.gateway.approvals import find, render, store
from lockgate.gateway.approvals.behind import actor, people_behind
from lockgate.gateway.approvals.core import content, rules
from lockgate.gateway.approvals.core.params import plain
from lockgate.gateway.approvals.core.records import GOOD_S, WAITS_S, ApprovalRow
from lockgate.gateway.approvals.core.rules import FRESH_S, Need
from lockgate.gateway.approvals.core.stake import Look, Stake
from lockgate.gateway.approvals.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.idempotency import KEPT_S
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import Principal


class Approvals:
    """Knows the privileged operations, and for those that move money how to see how much."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._operations: tuple[Operation, ...] = ()
        self._looks: Mapping[str, Look] = {}

    def learn(self, operations: Sequence[Operation], looks: Mapping[str, Look]) -> None:
        """Everything that is offered, and by operation how the room above tells what is at stake in it."""
        self._operations = tuple(operation for operation in operations if operation.privilege is not None)
        for operation in self._operations:
            if operation.privilege not in rules.CLASSES:
                raise ValueError(f"operation {operation.name} names no known privilege")
            if operation.privilege in rules.MONEY and operation.name not in looks:
                raise ValueError(f"nobody can tell what is at stake in {operation.name}")
        self._looks = looks

    async def require(
        self,
        principal: Principal,
        operation: Operation,
        *,
        path: Mapping[str, str],
        params: Mapping[str, Any],
        approval: str | None,
        request: str,
        key: str | None = None,
    ) -> None:
        """Refuses unless what the operation needs is there; an approval is then used up.

        ``approval`` is the Lockgate-Approval header, ``key`` the idempotency key: a retry under the same key is the
        same request, and finds its approval used by itself.
        """
        if principal.kind == "internal" or operation.privilege is None:
            return
        now = clock.now()
        needed, stake = await self._need(principal, operation, path=path, params=params)
        row = None if approval is None else await find.approval(self._ports.pool, principal, approval)
        hash_ = content.hashed(principal, operation, path=path, params=params)
        if needed.fresh and not _fresh(principal, row, now, hash_=hash_):
            raise await self._refused(
                principal,
                operation,
                "Prove a second factor again: this asks for one that is not older than five minutes.",
                code="step_up_required",
                request=request,
            )
        if not needed.approval:
            return
        if approval is None:
            waiting = await self.open(
                principal, operation, path=path, params=params, stake=stake, needed=needed, request=request
            )
            raise await self._refused(
                principal,
                operation,
                f"This waits for an approval: {waiting.summary}. Have it approved, then send the same request again"
                f" with the header Lockgate-Approval: {waiting.id}.",
                code="approval_required",
                request=request,
                embed={"approval": await render.approval(self._ports.box, waiting, now=now)},
            )
        used_by = request if key is None else f"key:{key}"
        if row is None or not await self._used(principal, row, needed, hash_=hash_, by=used_by, request=request):
            raise await self._refused(
                principal,
                operation,
                "This approval is not for this request, is not complete, or was used before.",
                code="approval_invalid",
                request=request,
            )

    def find_operation(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        """The privileged operation at ``path``, and the ids in it."""
        given = path.split("/")
        for operation in self._operations:
            wanted = operation.path.split("/")
            if operation.method != method or len(wanted) != len(given):
                continue
            ids = {name[1:-1]: value for name, value in zip(wanted, given, strict=True) if name.startswith("{")}
            if all(ids.values()) and content.filled(operation.path, ids) == path:
                return operation, ids
        raise invalid("No operation that can be approved has this method and path.", param="path")

    async def ask(
        self, principal: Principal, operation: Operation, *, path: Mapping[str, str], params: Mapping[str, Any],
        request: str,
    ) -> ApprovalRow:  # fmt: skip
        """An approval of exactly this, before the operation itself was tried."""
        needed, stake = await self._need(principal, operation, path=path, params=params)
        if not needed.approval:
            raise invalid("This needs no approval.", code="approval_not_needed")
        return await self.open(
            principal, operation, path=path, params=params, stake=stake, needed=needed, request=request
        )

    async def open(
        self,
        principal: Principal,
        operation: Operation,
        *,
        path: Mapping[str, str],
        params: Mapping[str, Any],
        stake: Stake | None,
        needed: Need,
        request: str,
    ) -> ApprovalRow:
        """What this maker waits for already, or else a new approval."""
        ports, now, maker = self._ports, clock.now(), actor(principal)
        behind = await people_behind(ports.pool, principal, maker, let_in_by=principal.person)
        hash_ = content.hashed(principal, operation, path=path, params=params)
        known = await find.open_one(
            ports.pool, principal, maker=maker, content=hash_, now=now, proof=needed.confirmed, second=needed.second
        )
        if known is not None:
            return known
        shown = json.dumps(content.canonical(params), separators=(",", ":"))
        sealed = await ports.box.seal(principal.account, principal.account, {"params": shown})
        if sealed is None or operation.privilege is None:
            raise Refusal(Kind.FORBIDDEN, "This account's data was erased.")
        row = ApprovalRow(
            account=principal.account,
            livemode=principal.livemode,
            id=new_id("apr"),
            created=now,
            expires_at=now + (WAITS_S if needed.second else GOOD_S),
            maker=maker,
            maker_person=next(iter(behind), None),
            operation=operation.name,
            method=operation.method,
            path=content.filled(operation.path, path),
            privilege=operation.privilege,
            content=hash_,
            amount=stake.amount if stake else None,
            currency=stake.currency if stake else None,
            summary=content.summary(operation, path, stake),
            sealed=sealed,
            needs_proof=needed.confirmed,
            needs_second=needed.second,
        )
        detail = {"operation": row.operation, "path": row.path, "amount": row.amount, "currency": row.currency}
        async with ports.pool.acquire() as connection, connection.transaction():
            await store.insert(connection, row)
            told = record(principal, "approval.create", object_=row.id, request=request, detail=detail)
            await insert_audits(connection, [told])
        return row

    async def _used(
        self, principal: Principal, row: ApprovalRow, needed: Need, *, hash_: bytes, by: str, request: str
    ) -> bool:
        fits = row.maker == actor(principal) and row.content == hash_
        enough = row.needs_proof >= needed.confirmed and row.needs_second >= needed.second
        if not fits or not enough:
            return False
        # While the key's answer is kept a second use of it has no second effect; afterwards it would.
        again = by.startswith("key:") and row.used_by == by and row.used_at is not None
        if again and clock.now() - (row.used_at or 0) < KEPT_S:
            return True
        async with self._ports.pool.acquire() as connection, connection.transaction():
            if await store.use(connection, row, by=by, now=clock.now()):
                told = record(principal, "approval.use", object_=row.id, request=request)
                await insert_audits(connection, [told])
                return True
        beside = await find.approval(self._ports.pool, principal, row.id) if row.used_at is None else None
        return beside is not None and by.startswith("key:") and beside.used_by == by

    async def _need(
        self, principal: Principal, operation: Operation, *, path: Mapping[str, str], params: Mapping[str, Any]
    ) -> tuple[Need, Stake | None]:
        """What it needs, and what is at stake where that matters."""
        assert operation.privilege is not None, "only privileged operations come here"
        held = await find.rules(self._ports.pool, principal.account)
        look = self._looks.get(operation.name) if rules.counts(principal, operation.privilege, held) else None
        stake = None if look is None else await look(principal, path, params)
        needed = rules.need(principal, operation.privilege, stake, held)
        if operation.privilege == "approval_policy" and rules.weakens(held, plain(params)):
            needed = replace(needed, second=True)
        return needed, stake

    async def _refused(
        self,
        principal: Principal,
        operation: Operation,
        message: str,
        *,
        code: str,
        request: str,
        embed: Mapping[str, Any] | None = None,
    ) -> Refusal:
        await self._ports.witness.refused(
            principal, "approval.refused", reason=f"{code}: {operation.name}", request=request
        )
        return Refusal(Kind.FORBIDDEN, message, code=code, embed=embed)


def _fresh(principal: Principal, row: ApprovalRow | None, now: int, *, hash_: bytes) -> bool:
    """The session's own proof, or the one that an approval of this very content was given with."""
    proved = principal.proved_at
    own = row is not None and row.maker == actor(principal) and row.content == hash_
    if row is not None and own and row.proved_at is not None:
        proved = max(proved, row.proved_at)
    return now - proved <= FRESH_S
