"""Makes, changes and removes address rules, each with its record; whoever would lock herself out must say so."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import find, find_addresses, find_roles, store_addresses
from lockgate.gateway.identity.core.address_rules import CLASSES, MOST_NETWORKS, read_network
from lockgate.gateway.identity.core.roles import BUILT_IN
from lockgate.gateway.identity.find_addresses import AddressRuleRow
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.kernel.errors import invalid, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.params import UNSET
from lockgate.kernel.principal import Principal
from lockgate.kernel.source import read_address

MOST_RULES = 100
CONFIRM = "lock_me_out"


async def drawn(pool: Pool, by: Principal, given: Mapping[str, Any], *, now: int) -> AddressRuleRow:
    """A new rule for ``by``'s account and mode, checked and not written yet."""
    scope, subject = given["scope"], given.get("subject", "")
    await _check_subject(pool, by, scope, subject)
    row = AddressRuleRow(
        account=by.account,
        livemode=by.livemode,
        id=new_id("adr"),
        version=1,
        created=now,
        description=given.get("description"),
        scope=scope,
        subject=subject,
        networks=_networks(given["networks"]),
        mode=given.get("mode", "enforce"),
    )
    _check_own_address(by, row, given)
    return row


def changed(by: Principal, old: AddressRuleRow, given: Mapping[str, Any]) -> AddressRuleRow:
    """The next version of ``old``, checked and not written yet."""
    description = given.get("description", old.description)
    row = old._replace(
        version=old.version + 1,
        description=None if description is UNSET else description,
        networks=_networks(given["networks"]) if "networks" in given else old.networks,
        mode=given.get("mode", old.mode),
    )
    _check_own_address(by, row, given)
    return row


async def found(pool: Pool | Connection, by: Principal, id_: str) -> AddressRuleRow:
    """One rule of ``by``'s account and mode."""
    for row in await find_addresses.address_rules(pool, by.account, by.livemode):
        if row.id == id_:
            return row
    raise missing("address_rule", id_, param="address_rule")


async def insert(connection: Connection, by: Principal, row: AddressRuleRow, *, request: str | None = None) -> None:
    """Write a new rule and its record, in the caller's transaction."""
    await store_addresses.lock_rules(connection, row.account)
    if len(await find_addresses.address_rules(connection, row.account, row.livemode)) >= MOST_RULES:
        raise invalid(f"An account can have at most {MOST_RULES} address rules.", code="address_rules_limit_exceeded")
    await store_addresses.insert_rule(connection, row)
    await _tell(connection, by, "address_rule.create", row, request=request, detail=_shown(row))


async def update(
    connection: Connection, by: Principal, old: AddressRuleRow, *, row: AddressRuleRow, request: str | None = None
) -> None:
    """Write the next version and its record, with what was before."""
    if not await store_addresses.update_rule(connection, row):
        raise Moved
    detail = {"before": _shown(old), "after": _shown(row)}
    await _tell(connection, by, "address_rule.update", row, request=request, detail=detail)


async def delete(connection: Connection, by: Principal, row: AddressRuleRow, *, request: str | None = None) -> None:
    """Remove a rule, with a record of what it was."""
    if not await store_addresses.delete_rule(connection, row):
        raise Moved
    await _tell(connection, by, "address_rule.delete", row, request=request, detail={"before": _shown(row)})


async def _tell(
    connection: Connection, by: Principal, action: str, row: AddressRuleRow, *, request: str | None,
    detail: Mapping[str, Any],
) -> None:  # fmt: skip
    await insert_audits(connection, [record(by, action, object_=row.id, request=request, detail=detail)])


def _shown(row: AddressRuleRow) -> dict[str, Any]:
    return {"scope": row.scope, "subject": row.subject, "networks": row.networks, "mode": row.mode}


async def _check_subject(pool: Pool, by: Principal, scope: str, subject: str) -> None:
    if (scope == "account") != (subject == ""):
        wanted = "has no subject" if scope == "account" else "needs a subject"
        raise invalid(f"A rule of the scope {scope} {wanted}.", param="subject")
    if scope == "class" and subject not in CLASSES:
        raise invalid(f"The classes are {', '.join(CLASSES)}.", param="subject")
    if scope == "key":
        keys = await find.keys(pool, account=by.account)
        if not any(key.id == subject and key.livemode == by.livemode for key in keys):
            raise invalid("No such API key in this mode.", param="subject", code="resource_missing")
    if scope == "role" and subject not in BUILT_IN:
        roles = await find_roles.custom_roles(pool, by.account)
        if not any(role.id == subject for role in roles):
            raise invalid("No such role.", param="subject", code="resource_missing")


def _networks(given: Sequence[str]) -> list[str]:
    if not 1 <= len(given) <= MOST_NETWORKS:
        raise invalid(f"A rule names 1 to {MOST_NETWORKS} networks.", param="networks")
    read: list[str] = []
    for place, text in enumerate(given):
        network = read_network(text)
        if network is None:
            raise invalid(
                "Each network is an IPv4 or IPv6 address or a network in CIDR form without stray bits, such as"
                " 203.0.113.0/24.",
                param=f"networks[{place}]",
            )
        if str(network) not in read:
            read.append(str(network))
    return read


def _check_own_address(by: Principal, row: AddressRuleRow, given: Mapping[str, Any]) -> None:
    if by.kind == "internal" or row.mode != "enforce" or given.get("confirm") == CONFIRM:
        return
    rule = row.rule
    if rule.about(by) and not rule.admits(read_address(by.address)):
        raise invalid(
            "This rule would lock you out: the address that you come from is in none of its networks. Try it with"
            f" mode=dry_run, or send confirm={CONFIRM}.",
            param="networks",
            code="address_rule_locks_out",
        )
