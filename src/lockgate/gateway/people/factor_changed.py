"""What a change of a person's second factors brings with it: their sessions end, and they are told by mail."""

from lockgate.gateway.factors.ports import Change
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
    "passkey.cloned": "a passkey that may have been copied was refused",
    "recovery_codes.renew": "your recovery codes were replaced",
}
_ENDS_NOTHING = ("recovery_code.use", "recovery_codes.renew", "passkey.cloned")


async def factor_changed(ports: Ports, connection: Connection, change: Change) -> None:
    """In the transaction of the change."""
    person, now = change.person, change.now
    ended = 0
    if change.happened not in _ENDS_NOTHING:
        ended = await sessions.end_all(connection, person, reason="factor_change", now=now)
    said = _SAID.get(change.happened)
    if said is None:
        await letters.send(connection, ports, person, FACTOR_USED, now=now)
    else:
        await letters.send(connection, ports, person, FACTOR_CHANGED, now=now, facts={"change": said})
    accounts = await find.accounts_of(connection, person)
    told = by_person(
        person,
        accounts,
        change.happened,
        object_=change.object_ or person,
        request=change.whence.request,
        address=change.whence.address,
        user_agent=change.whence.user_agent,
        outcome="refused" if change.happened == "passkey.cloned" else "done",
        detail={"sessions_ended": ended},
    )
    await insert_audits(connection, told)
