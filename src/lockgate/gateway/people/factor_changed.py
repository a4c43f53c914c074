"""What a change of a person's second factors brings with it: their sessions end, and they are told by mail."""

from lockgate.gateway.people import find, letters, sessions
from lockgate.gateway.people.core.letters import FACTOR_CHANGED, FACTOR_USED
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.people.records import by_person
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection

_SAID = {
    "totp.add": "an authenticator app was added",
    "totp.remove": "an authenticator app was removed",
    "passkey.add": "a passkey was added",
    "passkey.remove": "a passkey was removed",
    "recovery_codes.renew": "your recovery codes were replaced",
}


async def factor_changed(ports: Ports, connection: Connection, person: str, change: str, now: int) -> None:
    """In the transaction of the change; a recovery code's use ends nothing, it is only told."""
    ended = 0
    if change in _SAID:
        ended = await sessions.end_all(connection, person, reason="factor_change", now=now)
        await letters.send(connection, ports, person, FACTOR_CHANGED, now=now, facts={"change": _SAID[change]})
    else:
        await letters.send(connection, ports, person, FACTOR_USED, now=now)
    accounts = await find.accounts_of(connection, person)
    told = by_person(person, accounts, change, object_=person, request=None, detail={"sessions_ended": ended})
    await insert_audits(connection, told)
