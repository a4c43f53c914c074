"""For somebody who has lost every second factor and recovery code: the operator takes them away, at the machine."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.factors.clear import clear
from lockgate.gateway.people import find, letters, sessions, store_signins
from lockgate.gateway.people.core.letters import FACTORS_RESET
from lockgate.gateway.people.ports import Office
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def reset_factors(connection: Connection, office: Office, who: Principal, person: str, *, now: int) -> None:
    """The password is asked for as ever, and whoever shows it next enrols a new factor."""
    if await find.member(connection, who, person) is None:
        raise missing("person", person, param="person")
    gone = await clear(connection, person)
    await store_signins.delete_sign_ins(connection, person)
    ended = await sessions.end_all(connection, person, reason="factor_change", now=now)
    await letters.send(connection, office, person, FACTORS_RESET, now=now)
    detail = {"factors": gone, "sessions_ended": ended}
    told = record(who, "person.reset_factors", object_=person, request=None, detail=detail)
    await insert_audits(connection, [told])
