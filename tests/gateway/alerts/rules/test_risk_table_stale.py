"""An imported table is older than 60 days; a newer version of it ends that."""

from datetime import UTC, datetime

from lockgate.gateway.geography.core import rates
from lockgate.gateway.geography.import_table import import_table
from lockgate.gateway.geography.jobs import STALE_DAYS, age_days, look_at_tables
from lockgate.kernel.principal import Principal

DAY_S = 86_400
IMPORTED = int(datetime(2026, 6, 25, tzinfo=UTC).timestamp())
BY = Principal("-", False, "internal", "cli")


async def put(room, text, day):
    async with room.gateway.acquire() as connection, connection.transaction():
        await import_table(connection, BY, rates.read(text), date=day, source="x", licence="x")


def test_age_is_counted_in_whole_days():
    assert [age_days("2026-06-25", IMPORTED + seconds) for seconds in (0, DAY_S - 1, DAY_S)] == [0, 0, 1]


async def test_an_old_table_fires_until_a_newer_one_is_in_force(room):
    assert await look_at_tables(room.worker, now=IMPORTED) == 0, "nothing is imported"
    await put(room, ["currency,usd", "eur,0.85"], "2026-06-25")
    assert await look_at_tables(room.worker, now=IMPORTED + STALE_DAYS * DAY_S) == 0
    assert await look_at_tables(room.worker, now=IMPORTED + (STALE_DAYS + 1) * DAY_S) == 1
    await room.judge()
    [alert] = await room.alerts()
    assert (alert["rule"], alert["subject"], alert["account"]) == ("risk_table_stale", "rates", "-")
    assert "2026-06-25" in alert["summary"]
    await put(room, ["currency,usd", "eur,0.86"], "2026-08-20")
    assert await look_at_tables(room.worker, now=IMPORTED + (STALE_DAYS + 1) * DAY_S) == 0
