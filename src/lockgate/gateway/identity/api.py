"""The account operations: a merchant sees its own account, and no other exists for it; and its test mode's clock."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.identity import advance_clock, find, render
from lockgate.gateway.identity.core.shapes import ACCOUNT, TEST_CLOCK
from lockgate.gateway.identity.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Integer, Listing, Object, Timestamp, Unsupported, optional

_ADVANCE = Object(
    {
        "seconds": optional(Integer(1, advance_clock.FURTHEST_S), "How much time goes by."),
        "frozen_time": optional(Timestamp(), "Instead of seconds: what time it is to be."),
    }
)


def operations(ports: Ports) -> list[Operation]:
    """GET /v1/account, /v1/accounts and /v1/accounts/{id}."""

    async def own(call: Call) -> Mapping[str, Any]:
        row = await find.account(ports.pool, call.principal.account)
        if row is None:
            raise missing("account", call.principal.account)
        return render.account(row, await find.payout_rhythm(ports.pool, call.principal))

    async def by_id(call: Call) -> Mapping[str, Any]:
        if call.path["id"] != call.principal.account:
            raise missing("account", call.path["id"])
        return await own(call)

    async def all_of_mine(call: Call) -> Mapping[str, Any]:
        page = page_of(call.params)
        for cursor, name in ((page.after, "starting_after"), (page.before, "ending_before")):
            if cursor is not None and cursor != call.principal.account:
                raise missing("account", cursor, param=name)
        beyond = page.after is not None or page.before is not None
        kept, has_more = cut([] if beyond else [await own(call)], page)
        return listing("/v1/accounts", kept, has_more=has_more)

    async def read_clock(call: Call) -> Mapping[str, Any]:
        row = await find.test_clock(ports.pool, call.principal)
        ahead_s = row.offset_s if row else 0
        return render.test_clock(now=call.now, ahead_s=ahead_s, livemode=call.principal.livemode)

    async def move_clock(call: Call) -> Answer:
        return await advance_clock.advance(ports, call)

    return [
        Operation(
            name="account.get",
            method="GET",
            path="/v1/account",
            resource="account",
            access="read",
            handler=own,
            params=Object({}),
            returns=ACCOUNT,
            summary="The account that the key belongs to.",
        ),
        Operation(
            name="account.list",
            method="GET",
            path="/v1/accounts",
            resource="account",
            access="read",
            handler=all_of_mine,
            params=Listing({"created": optional(Unsupported("The list holds one's own account alone."))}).object(),
            returns=ACCOUNT,
            form="list",
            summary="A list of one: the account that the key belongs to.",
        ),
        Operation(
            name="account.get_by_id",
            method="GET",
            path="/v1/accounts/{id}",
            resource="account",
            access="read",
            handler=by_id,
            params=Object({}),
            returns=ACCOUNT,
            summary="One's own account by its id; any other does not exist.",
        ),
        Operation(
            name="test_clock.get",
            method="GET",
            path="/v1/test_helpers/clock",
            resource="test_clock",
            access="read",
            handler=read_clock,
            params=Object({}),
            returns=TEST_CLOCK,
            summary="What time it is for the account in this mode.",
        ),
        Operation(
            name="test_clock.advance",
            method="POST",
            path="/v1/test_helpers/clock/advance",
            resource="test_clock",
            access="write",
            handler=move_clock,
            params=_ADVANCE,
            returns=TEST_CLOCK,
            audit="test_clock.advance",
            summary="Let time go by in test mode: deadlines, arrivals and retries that fall into it happen.",
        ),
    ]
