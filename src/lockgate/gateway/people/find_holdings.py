"""What a person is in which account, for those who act in the person's name while nobody is signed in."""

from lockgate.gateway.storage.database import Connection, Pool


async def roles_of(pool: Pool | Connection, person: str) -> dict[str, tuple[str, ...]]:
    """The person's roles by account; none for one who is shut out."""
    rows = await pool.fetch(
        "select m.account, m.roles from membership m join person p on p.id = m.person"
        " where m.person = $1 and m.status = 'active' and p.status = 'active' order by m.account",
        person,
    )
    return {row["account"]: tuple(row["roles"]) for row in rows}
