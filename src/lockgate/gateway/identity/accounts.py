"""Makes a merchant account, with its audit record in the same transaction."""

import re

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import store
from lockgate.gateway.identity.core.key_format import ACCOUNT_LENGTH
from lockgate.gateway.identity.find import AccountRow
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel import clock
from lockgate.kernel.errors import invalid
from lockgate.kernel.ids import random_token
from lockgate.kernel.money import CURRENCIES
from lockgate.kernel.principal import Principal

NEWEST_API_VERSION = "2026-10-28.endive"


async def create_account(
    connection: Connection, *, by: str, name: str, country: str, currency: str, id_: str | None = None
) -> AccountRow:
    """A new account in the caller's transaction. ``by`` names the program that acts for the operator."""
    if id_ is not None and not re.fullmatch(rf"acct_[0-9A-Za-z]{{{ACCOUNT_LENGTH[0]},{ACCOUNT_LENGTH[1]}}}", id_):
        raise invalid("An account's id is acct_ and 16 to 22 letters and digits.", param="id")
    if not 1 <= len(name) <= 200:
        raise invalid("An account's name has 1 to 200 characters.", param="name")
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise invalid("A country is two capital letters (ISO 3166-1).", param="country")
    if currency not in CURRENCIES:
        raise invalid("A currency is three small letters (ISO 4217).", param="currency")
    chosen = id_ or f"acct_{random_token(ACCOUNT_LENGTH[0])}"
    row = AccountRow(chosen, clock.now(), name, country, currency, NEWEST_API_VERSION)
    await store.insert_account(
        connection,
        id_=row.id,
        created=row.created,
        name=name,
        country=country,
        currency=currency,
        api_version=row.api_version,
    )
    actor = Principal(row.id, False, "internal", by)
    await insert_audits(connection, [record(actor, "account.create", object_=row.id, request=None)])
    return row
