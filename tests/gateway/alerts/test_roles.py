"""What each database role may do with alerts: the gateway judges nothing, reporting sees one account and no routes."""

import asyncpg
import pytest

from tests.gateway.alerts.desk import ACCOUNT, open_room


async def test_the_gateway_neither_judges_nor_forgets_and_reporting_sees_its_account_only(database):
    async with open_room(database) as room:
        await room.happen("key.leaked", outcome="done", object_="mk_1")
        await room.judge()
        for statement in (
            "update alert_cursor set tx = 0", "delete from alert", "delete from alert_route",
            "select * from known_address",
            "insert into alert_window values ('a', 'r', 's', '{}', 1)", "update alert_delivery set state = 'failed'",
            "update mail set state = 'failed'", "delete from mail",
        ):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await room.gateway.execute(statement)
        reporting = await asyncpg.connect(**database["reporting"])
        try:
            assert await reporting.fetchval("select count(*) from gateway.alert") == 0
            await reporting.execute("select set_config('lockgate.account', $1, false)", ACCOUNT)
            assert await reporting.fetchval("select count(*) from gateway.alert") == 1
            await reporting.execute("select set_config('lockgate.account', 'acct_other', false)")
            assert await reporting.fetchval("select count(*) from gateway.alert") == 0
            for table in ("alert_route", "mail", "known_address"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await reporting.fetch(f"select * from gateway.{table}")
        finally:
            await reporting.close()
