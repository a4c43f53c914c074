"""Changes one's own password: with the current one, never to one of the last four; every other session ends."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.people import find, letters, new_password, sessions, sign_in, store, store_signins
from lockgate.gateway.people.core.letters import PASSWORD_CHANGED
from lockgate.gateway.people.core.password_rules import REMEMBERED
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.people.sessions import Started
from lockgate.gateway.people.sign_in import From
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal


async def change_password(
    ports: Ports,
    who: Principal,
    *,
    current: str,
    password: str,
    request: str | None,
    now: int,
    device: str | None = None,
) -> Started:
    """All sessions end; whoever changed it goes on under a new one, which is answered."""
    from_ = From(who.address, who.user_agent, request, device)
    await sign_in.check_again(ports, who.id, current, from_=from_, now=now)
    async with ports.pool.acquire() as connection:
        used = await find.used_passwords(connection, who.id)
    known = await sign_in.personal_of(ports, who.id)
    about = [str(known.get(word) or "") for word in ("email", "name")]
    fresh = await new_password.checked(ports, password, about=about, used=used)
    async with ports.pool.acquire() as connection, connection.transaction():
        row = await sessions.of_principal(connection, who, now=now)
        await store.set_password(connection, who.id, fresh, id_=new_id("pwd"), now=now, kept=REMEMBERED)
        await store.end_links(connection, who.id)
        await store_signins.delete_sign_ins(connection, who.id)
        over = await sessions.end_all(connection, who.id, reason="password_change", now=now)
        await letters.send(connection, ports, who.id, PASSWORD_CHANGED, now=now)
        detail = {"sessions_ended": over}
        told = record(who, "password.change", object_=who.id, request=request, detail=detail)
        await insert_audits(connection, [told])
    return await sessions.instead(ports, row, now=now)
