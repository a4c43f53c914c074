"""The risk room's own SQL over all accounts: what deleted lists leave behind."""

from lockgate.gateway.storage.database import Pool


async def clear_deleted(pool: Pool, *, most: int) -> int:
    """Forget up to ``most`` values of deleted lists; returns how many."""
    done = await pool.execute(
        "update value_list_item t set deleted = true, personal = '', version = t.version + 1 from ("
        "  select i.account, i.livemode, i.id from value_list l join value_list_item i"
        "  on i.account = l.account and i.livemode = l.livemode and i.value_list = l.id and not i.deleted"
        "  where l.deleted limit $1 for update of i skip locked) d"
        " where (t.account, t.livemode, t.id) = (d.account, d.livemode, d.id)",
        most,
    )
    return int(done.rsplit(" ", 1)[1])
