"""Reads of address rules."""

from typing import NamedTuple

from lockgate.gateway.identity.core.address_rules import AddressRule, read_network
from lockgate.gateway.storage.database import Connection, Pool


class AddressRuleRow(NamedTuple):
    """A rule as it is kept: ``subject`` is empty for a whole account, ``networks`` are in canonical form."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    description: str | None
    scope: str
    subject: str
    networks: list[str]
    mode: str

    @property
    def rule(self) -> AddressRule:
        networks = tuple(network for text in self.networks if (network := read_network(text)) is not None)
        return AddressRule(self.id, self.scope, self.subject, networks, self.mode == "enforce")


async def address_rules(pool: Pool | Connection, account: str, livemode: bool) -> list[AddressRuleRow]:
    """All rules of an account and mode, newest first."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, description, scope, subject, networks, mode"
        " from address_rule where account = $1 and livemode = $2 order by id desc",
        account,
        livemode,
    )
    return [AddressRuleRow(*row) for row in rows]
