"""The publishable key that the dialect gives a platform for each account that lets it in: it ends with the grant."""

import hmac

from lockgate.gateway.identity import create
from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.keys import hashed
from lockgate.gateway.oauth import store
from lockgate.gateway.oauth.core.clients import Client
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.storage.database import Connection
from lockgate.kernel import clock
from lockgate.kernel.ids import base62
from lockgate.kernel.principal import Principal


def text_of(ports: Ports, *, account: str, livemode: bool, grant: str) -> str:
    """The key's text: derived from the grant, so that it can be told with every token and is kept nowhere."""
    digest = hmac.digest(ports.secret, f"publishable {grant}".encode(), "sha256")
    length = key_format.RANDOM_LENGTH
    random = base62(int.from_bytes(digest, "big") % 62**length, length)
    return key_format.build("publishable", livemode=livemode, account=account, random=random)


async def ensure(
    connection: Connection, ports: Ports, client: Client, *, account: str, grant: str, request: str
) -> None:
    """Make the grant's key, once, in the transaction that holds the grant."""
    place = {"account": account, "livemode": client.livemode}
    if await store.publishable_key(connection, **place, grant=grant) is not None:
        return
    by = Principal(account, client.livemode, "internal", "oauth")
    name = f"given to {client.name}"
    made = create.draw(by, pepper=ports.pepper, kind="publishable", name=name, now=clock.now())
    text = text_of(ports, account=account, livemode=client.livemode, grant=grant)
    row = made.row._replace(hash=hashed(ports.pepper, text), hint=key_format.hint(text))
    await create.keep(connection, by, row, request=request)
    await store.keep_publishable_key(connection, **place, grant=grant, key=row.id)
