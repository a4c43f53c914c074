"""The approvals room over a real database: two people, a key, and a few operations that it guards."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pyotp

from lockgate.gateway.approvals import api
from lockgate.gateway.approvals.core.stake import Stake
from lockgate.gateway.approvals.ports import Ports
from lockgate.gateway.approvals.require import Approvals
from lockgate.gateway.factors import passkeys, totp
from lockgate.gateway.factors.ports import Ports as FactorPorts
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.people.ports import Ports as PeoplePorts
from lockgate.gateway.storage.database import connect_pool
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Array, Integer, Metadata, Object, Text, clearable, nest, optional, required
from lockgate.kernel.principal import Principal
from lockgate.kernel.shapes import Shape
from tests.gateway.customers.desk import MemoryBox
from tests.gateway.factors.authenticator import Authenticator
from tests.gateway.factors.desk import code
from tests.support.cluster import Database

ACCOUNT, OTHER = "acct_test0000000000001", "acct_test0000000000002"
URL = "https://pay.example"
ANNA, BEN = "per_anna", "per_ben"
ALL = {"refunds": "write", "payouts": "write", "approvals": "write", "roles": "write", "profile": "write"}


def person(
    id_: str, *, proved_s_ago: int = 10, account: str = ACCOUNT, permissions: Mapping[str, Any] = ALL
) -> Principal:
    proved_at = clock.now() - proved_s_ago
    return Principal(
        account, False, "person", id_, permissions, session=f"ses_{id_}", proved_at=proved_at, address="127.0.0.1"
    )


KEY = Principal(ACCOUNT, False, "secret", "key_1", address="127.0.0.1")


async def _nothing(_call: Call) -> Mapping[str, Any]:
    return {}


_REFUND = Object(
    {
        "charge": required(Text(255)),
        "amount": optional(Integer(1)),
        "reason": clearable(Text(100)),
        "metadata": clearable(Metadata()),
        "tags": optional(Array(Text(20))),
    }
)
REFUND = Operation(
    name="refund.create", method="POST", path="/v1/refunds", resource="refunds", access="write", handler=_nothing,
    params=_REFUND, returns=Shape("refund", {}), summary="Refund.", audit="refund.create", privilege="refund",
)  # fmt: skip
REVERSE = replace(
    REFUND, name="payout.reverse", path="/v1/payouts/{payout}/reverse", resource="payouts", params=Object({}),
    privilege="payout",
)  # fmt: skip
GRANT = replace(
    REFUND, name="role.create", path="/v1/roles", resource="roles", params=Object({"name": required(Text(50))}),
    privilege="roles", summary="Make a role.",
)  # fmt: skip


class Conclusions:
    """Answers are plain JSON."""

    async def object(self, _call: Call, rendered: Mapping[str, Any], *, fresh: Any) -> Answer:
        return Answer(200, json.dumps(rendered).encode())


@dataclass
class Office:
    """Anna and Ben each have an app and a passkey."""

    ports: Ports
    approvals: Approvals
    operations: Mapping[str, Operation]
    apps: dict[str, pyotp.TOTP] = field(default_factory=dict)
    keys: dict[str, Authenticator] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)

    async def require(
        self, who: Principal, operation: Operation = REFUND, *, approval: str | None = None, key: str | None = None,
        path: Mapping[str, str] | None = None, request: str = "req_1", **params: Any,
    ) -> None:  # fmt: skip
        await self.approvals.require(
            who, operation, path=path or {}, params=params, approval=approval, request=request, key=key
        )

    async def refused(self, who: Principal, operation: Operation = REFUND, **asked: Any) -> Refusal:
        """The refusal of what must be refused."""
        try:
            await self.require(who, operation, **asked)
        except Refusal as refusal:
            return refusal
        raise AssertionError("it was let through")

    async def waits(self, who: Principal, operation: Operation = REFUND, **asked: Any) -> str:
        """The id of the approval that it waits for."""
        refusal = await self.refused(who, operation, **asked)
        assert refusal.code == "approval_required", refusal.code
        assert refusal.embed is not None
        return refusal.embed["approval"]["id"]

    async def call(self, name: str, who: Principal, *, path: Mapping[str, str] | None = None, **fields: str) -> Any:
        """Call one of the room's own operations."""
        return await self.fields(name, who, fields, path=path)

    async def fields(
        self, name: str, who: Principal, fields: Mapping[str, str], *, path: Mapping[str, str] | None = None
    ) -> Any:
        """The same, with parameters whose names Python cannot have."""
        operation = self.operations[name]
        call = Call(
            operation=operation, principal=who, path=path or {},
            params=operation.params.parse(nest(list(fields.items())), ""), expand=(), request_id="req_2",
            api_version="2026-01-01", now=clock.now(), claim=None,
            concluding=cast(Any, Conclusions()),
        )  # fmt: skip
        done = await operation.handler(call)
        return json.loads(done.body) if isinstance(done, Answer) else done

    def code(self, who: str) -> str:
        """A code that was not used yet; the window of one step either way gives three at once."""
        now = clock.now() // 30
        step = self.steps[who] = max(self.steps.get(who, now - 2) + 1, now - 1)
        assert step <= now + 1, "no more codes for now"
        return code(self.apps[who], step * 30)

    async def agree(self, name: str, who: Principal, id_: str, *, by: str = "passkey") -> Any:
        """Prove or approve with a factor of hers."""
        if by == "totp":
            proof = self.code(who.id)
        else:
            asked = await self.call("approval.challenge", who, path={"approval": id_})
            proof = self.keys[who.id].sign(asked["options"])
        return await self.call(name, who, path={"approval": id_}, method=by, proof=proof)


@asynccontextmanager
async def open_office(database: Database) -> AsyncIterator[Office]:
    login = database["gateway"]
    pool = await connect_pool(database=database.settings, user=login["user"], password=login["password"], size=10)
    box = MemoryBox()

    async def changed(_connection: Any, _change: Any) -> None: ...

    factors = FactorPorts(pool=pool, box=box, url=URL, changed=changed)
    ports = Ports(pool=pool, box=box, witness=Witness(pool), factors=factors, people=cast(PeoplePorts, None))
    approvals = Approvals(ports)
    offered = api.operations(ports, approvals)

    async def refund(_who: Principal, _path: Mapping[str, str], params: Mapping[str, Any]) -> Stake | None:
        return Stake(params["amount"], "usd", f"of {params['charge']}") if "amount" in params else None

    async def payout(_who: Principal, path: Mapping[str, str], _params: Mapping[str, Any]) -> Stake | None:
        return Stake(500_000, "jpy", f"of {path['payout']}")

    approvals.learn([REFUND, REVERSE, GRANT, *offered], {"refund.create": refund, "payout.reverse": payout})
    office = Office(ports, approvals, {operation.name: operation for operation in offered})
    now = clock.now()
    for who in (ANNA, BEN):
        begun = await totp.begin(factors, who, email=f"{who}@shop.example", name="Phone", now=now - 300)
        office.apps[who] = pyotp.TOTP(begun.secret)
        await totp.confirm(factors, who, code(office.apps[who], now - 300), now=now - 300)
        device = office.keys[who] = Authenticator(URL, "pay.example")
        options = await passkeys.begin_registration(factors, who, email=f"{who}@shop.example", now=now)
        await passkeys.finish_registration(factors, who, device.register(options), name="Key", now=now)
    try:
        yield office
    finally:
        await ports.witness.close()
        await pool.close()
