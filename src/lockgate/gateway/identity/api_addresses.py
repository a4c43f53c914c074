"""The operations on address rules: from where an account's keys, people and apps may be used."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.identity import edit_address_rules, find_addresses
from lockgate.gateway.identity.address_rules import AddressRules
from lockgate.gateway.identity.core.address_rules import MODES, MOST_NETWORKS, SCOPES
from lockgate.gateway.identity.find_addresses import AddressRuleRow
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import listing, page_of, part
from lockgate.gateway.storage.write import settled, transact
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Array, Choice, Listing, Object, Text, clearable, optional, required
from lockgate.kernel.shapes import BOOLEAN, INTEGER, STRING, Field, Shape, const, list_of, one_of

_URL = "/v1/address_rules"
_ONE = f"{_URL}/{{address_rule}}"
_NETWORKS = Array(Text(60), MOST_NETWORKS)
_DESCRIPTION = Text(300)
_CONFIRM = optional(
    Choice(edit_address_rules.CONFIRM), "That the address you come from may be left out: you will be refused."
)
_CREATE = Object(
    {
        "scope": required(Choice(*SCOPES), "Whose requests: the whole account's, or those that subject names."),
        "subject": optional(
            Text(100, pattern=r"[A-Za-z0-9_.\-]+"),
            "The id of a key, role or app; or the class: admin, keys, payouts or refunds.",
        ),
        "networks": required(_NETWORKS, "Addresses and networks in CIDR form; a request must come from one of them."),
        "mode": optional(Choice(*MODES), "enforce refuses; dry_run only records what it would refuse."),
        "description": optional(_DESCRIPTION, "What it is for."),
        "confirm": _CONFIRM,
    }
)
_UPDATE = Object(
    {
        "networks": optional(_NETWORKS, "All of them anew."),
        "mode": optional(Choice(*MODES), "enforce refuses; dry_run only records what it would refuse."),
        "description": clearable(_DESCRIPTION, "What it is for."),
        "confirm": _CONFIRM,
    }
)
ADDRESS_RULE = Shape(
    "address_rule",
    {
        "id": Field(STRING),
        "object": Field(const("address_rule"), default="address_rule"),
        "created": Field(INTEGER),
        "description": Field(STRING, nullable=True),
        "livemode": Field(BOOLEAN),
        "mode": Field(one_of(*MODES)),
        "networks": Field(list_of(STRING)),
        "scope": Field(one_of(*SCOPES)),
        "subject": Field(STRING, nullable=True),
    },
)


def shown(row: AddressRuleRow) -> dict[str, Any]:
    """A rule as its account sees it."""
    return ADDRESS_RULE.render(
        {
            "id": row.id,
            "created": row.created,
            "description": row.description,
            "livemode": row.livemode,
            "mode": row.mode,
            "networks": row.networks,
            "scope": row.scope,
            "subject": row.subject or None,
        }
    )


def operations(pool: Pool, rules: AddressRules) -> list[Operation]:
    """GET and POST /v1/address_rules; GET, POST and DELETE /v1/address_rules/{address_rule}."""

    async def page(call: Call) -> Mapping[str, Any]:
        rows = await find_addresses.address_rules(pool, call.principal.account, call.principal.livemode)
        kept, more = part(rows, page_of(dict(call.params)), "address_rule", id_of=lambda row: row.id)
        return listing(_URL, [shown(row) for row in kept], has_more=more)

    async def one(call: Call) -> Mapping[str, Any]:
        return shown(await edit_address_rules.found(pool, call.principal, call.path["address_rule"]))

    async def create(call: Call) -> Answer:
        who = call.principal
        row = await edit_address_rules.drawn(pool, who, call.params, now=call.now)

        async def work(connection: Connection) -> None:
            await edit_address_rules.insert(connection, who, row, request=call.request_id)

        return _felt(call, await transact(pool, call, rendered=shown(row), work=work))

    async def update(call: Call) -> Answer:
        async def decide() -> Answer:
            who = call.principal
            old = await edit_address_rules.found(pool, who, call.path["address_rule"])
            row = edit_address_rules.changed(who, old, call.params)

            async def work(connection: Connection) -> None:
                await edit_address_rules.update(connection, who, old, row=row, request=call.request_id)

            return await transact(pool, call, rendered=shown(row), work=work)

        return _felt(call, await settled(decide))

    async def delete(call: Call) -> Answer:
        async def decide() -> Answer:
            who = call.principal
            row = await edit_address_rules.found(pool, who, call.path["address_rule"])

            async def work(connection: Connection) -> None:
                await edit_address_rules.delete(connection, who, row, request=call.request_id)

            rendered = {"id": row.id, "object": "address_rule", "deleted": True}
            return await transact(pool, call, rendered=rendered, work=work)

        return _felt(call, await settled(decide))

    def _felt(call: Call, answer: Answer) -> Answer:
        rules.forget(call.principal.account, call.principal.livemode)
        return answer

    return [
        Operation(
            name="address_rule.list", method="GET", path=_URL, resource="address_rules", access="read", handler=page,
            params=Listing({}).object(), returns=ADDRESS_RULE, form="list",
            summary="From where this account may be used: its rules in this mode, newest first.",
        ),
        Operation(
            name="address_rule.get", method="GET", path=_ONE, resource="address_rules", access="read", handler=one,
            params=Object({}), returns=ADDRESS_RULE, summary="One address rule.",
        ),
        Operation(
            name="address_rule.create", method="POST", path=_URL, resource="address_rules", access="write",
            handler=create, params=_CREATE, returns=ADDRESS_RULE, audit="address_rule.create",
            privilege="address_rules", summary="Say from where a key, role, app, class of operations or all may come.",
        ),
        Operation(
            name="address_rule.update", method="POST", path=_ONE, resource="address_rules", access="write",
            handler=update, params=_UPDATE, returns=ADDRESS_RULE, audit="address_rule.update",
            privilege="address_rules", summary="Change a rule's networks, mode or description.",
        ),
        Operation(
            name="address_rule.delete", method="DELETE", path=_ONE, resource="address_rules", access="write",
            handler=delete, params=Object({}), returns=ADDRESS_RULE, form="deleted", audit="address_rule.delete",
            privilege="address_rules", summary="Remove an address rule.",
        ),
    ]  # fmt: skip
