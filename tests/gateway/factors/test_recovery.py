"""Recovery codes: random enough, shown once, good once, and not kept."""

import asyncio

import asyncpg
import pytest

from lockgate.gateway.factors import find, recovery
from lockgate.gateway.factors.core import codes
from lockgate.gateway.factors.core.proof import NotProven
from lockgate.kernel.errors import Refusal
from tests.gateway.factors.desk import ANNA, BEN, NOW, open_desk


def test_a_code_carries_140_bits():
    assert len(codes.tidy(codes.shown(2**140 - 1))) * 5 == 140
    assert codes.shown(0) != codes.shown(1)
    assert codes.tidy("OIL1" + "0" * 24) == "0111" + "0" * 24
    for wrong in ("", "0" * 27, "0" * 29, "u" * 28, "é" * 28):
        assert codes.tidy(wrong) == ""


async def test_each_code_is_good_once(database):
    async with open_desk(database) as desk:
        fresh = await recovery.renew(desk.ports, ANNA, now=NOW)
        assert len(set(fresh)) == 10
        proof = await recovery.use(desk.ports, ANNA, fresh[0].upper().replace("-", " "), now=NOW)
        assert proof.kind == "recovery_code"
        for wrong in (fresh[0], "x", ""):
            with pytest.raises(NotProven):
                await recovery.use(desk.ports, ANNA, wrong, now=NOW)
        with pytest.raises(NotProven):
            await recovery.use(desk.ports, BEN, fresh[1], now=NOW)
        assert await find.unused_recovery_codes(desk.ports.pool, ANNA) == 9
        assert desk.happened == ["recovery_codes.renew", "recovery_code.use"]


async def test_of_fifty_at_once_one_wins(database):
    async with open_desk(database) as desk:
        fresh = await recovery.renew(desk.ports, ANNA, now=NOW)
        done = await asyncio.gather(
            *(recovery.use(desk.ports, ANNA, fresh[3], now=NOW) for _ in range(50)), return_exceptions=True
        )
        assert sum(not isinstance(result, BaseException) for result in done) == 1
        assert all(isinstance(result, Refusal) for result in done if isinstance(result, BaseException))


async def test_new_codes_end_the_old_ones(database):
    async with open_desk(database) as desk:
        old = await recovery.renew(desk.ports, ANNA, now=NOW)
        new = await recovery.renew(desk.ports, ANNA, now=NOW)
        with pytest.raises(NotProven):
            await recovery.use(desk.ports, ANNA, old[0], now=NOW)
        await recovery.use(desk.ports, ANNA, new[0], now=NOW)


async def test_no_code_is_kept(database):
    async with open_desk(database) as desk:
        fresh = await recovery.renew(desk.ports, ANNA, now=NOW)
        connection = await asyncpg.connect(**database["superuser"])
        rows = await connection.fetch("select * from gateway.recovery_code")
        await connection.close()
        assert len(rows) == 10
        assert not any(codes.tidy(code).encode() in row["hash"] or code in str(row) for code in fresh for row in rows)
