"""Authenticator apps: each code once, near its time, and not many wrong ones; and the seed is nowhere in clear."""

import asyncio
import base64

import asyncpg
import pyotp
import pytest

from lockgate.gateway.factors import find, held, recovery, totp
from lockgate.gateway.factors.core.proof import NotProven
from lockgate.gateway.factors.core.totp import matching_step, tidy
from lockgate.gateway.factors.core.tries import wait_s
from lockgate.kernel.errors import Kind, Refusal
from tests.gateway.factors.desk import ANNA, BEN, NOW, code, open_desk

# RFC 6238, appendix B: SHA-1, the last six of its eight digits.
VECTORS = [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
           (2000000000, "279037"), (20000000000, "353130")]  # fmt: skip
RFC_SEED = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(("at", "expected"), VECTORS)
def test_codes_are_those_of_the_standard(at, expected):
    assert matching_step(RFC_SEED, expected, now=at, after=0) == at // 30


def test_a_code_is_good_one_step_either_way():
    app = pyotp.TOTP(RFC_SEED)
    for steps in (-2, -1, 0, 1, 2):
        found = matching_step(RFC_SEED, code(app, NOW + 30 * steps), now=NOW, after=0)
        assert (found is not None) == (abs(steps) <= 1), steps


@pytest.mark.parametrize("typed", ["12345", "1234567", "12345a", "١٢٣٤٥٦", "", "-12345", "1e5000"])
def test_only_six_digits_are_a_code(typed):
    assert tidy(typed) == ""
    assert tidy(" 123 456 ") == "123456"


async def test_a_code_is_good_once(database):
    async with open_desk(database) as desk:
        app = await desk.app()
        proof = await totp.verify(desk.ports, ANNA, code(app, NOW), now=NOW)
        assert (proof.kind, proof.at, proof.user_verified) == ("totp", NOW, False)
        for again in (NOW, NOW + 10, NOW + 30):
            with pytest.raises(NotProven):
                await totp.verify(desk.ports, ANNA, code(app, NOW), now=again)
        with pytest.raises(NotProven):  # an older one than the last is no good either
            await totp.verify(desk.ports, ANNA, code(app, NOW - 30), now=NOW)
        await totp.verify(desk.ports, ANNA, code(app, NOW + 60), now=NOW + 60)


async def test_of_fifty_at_once_one_wins(database):
    async with open_desk(database) as desk:
        app = await desk.app()
        for round_ in range(3):
            at = NOW + 30 * 60 * (round_ + 1)
            tries = [totp.verify(desk.ports, ANNA, code(app, at), now=at) for _ in range(50)]
            done = await asyncio.gather(*tries, return_exceptions=True)
            assert sum(not isinstance(result, BaseException) for result in done) == 1
            assert all(isinstance(result, Refusal) for result in done if isinstance(result, BaseException))


async def test_fifty_wrong_ones_at_once_are_five_tries(database):
    async with open_desk(database) as desk:
        app = await desk.app()
        tries = [totp.verify(desk.ports, ANNA, "000000", now=NOW) for _ in range(50)]
        done = await asyncio.gather(*tries, return_exceptions=True)
        kinds = [result.kind for result in done if isinstance(result, Refusal)]
        assert kinds.count(Kind.UNAUTHENTICATED) == 5
        assert kinds.count(Kind.RATE_LIMITED) == 45
        with pytest.raises(Refusal) as refused:  # now not even the right one is looked at
            await totp.verify(desk.ports, ANNA, code(app, NOW), now=NOW)
        assert (refused.value.kind, refused.value.retry_after_s) == (Kind.RATE_LIMITED, 300)
        with pytest.raises(Refusal):  # nor is a recovery code
            await recovery.use(desk.ports, ANNA, "x", now=NOW + 299)
        await totp.verify(desk.ports, ANNA, code(app, NOW + 300), now=NOW + 300)


def test_the_three_limits():
    assert wait_s([], 0) == 0
    assert wait_s([100] * 5, 399) == 1
    assert wait_s([100] * 5, 400) == 0
    assert wait_s([1000 * n for n in range(20)], 19_001) == 0
    assert wait_s([100 * n for n in range(20)], 2_400) == 1_200
    assert wait_s([100 * n for n in range(20)], 3_600) == 0
    assert wait_s([1_500 * n for n in range(50)], 75_000) == 86_400 - 75_000


async def test_an_app_counts_once_it_made_a_code(database):
    async with open_desk(database) as desk:
        begun = await totp.begin(desk.ports, ANNA, email="anna@shop.example", name="Phone", now=NOW)
        app = pyotp.TOTP(begun.secret)
        assert len(base64.b32decode(begun.secret)) == 20
        assert pyotp.parse_uri(begun.uri).secret == begun.secret
        assert "issuer=Lockgate" in begun.uri
        assert begun.secret not in repr(begun)
        with pytest.raises(NotProven):
            await totp.verify(desk.ports, ANNA, code(app, NOW), now=NOW)
        with pytest.raises(NotProven):
            await totp.confirm(desk.ports, ANNA, "000000", now=NOW)
        with pytest.raises(NotProven):
            await totp.confirm(desk.ports, ANNA, code(app, NOW + 901), now=NOW + 901)
        with pytest.raises(NotProven):  # it is nobody else's
            await totp.confirm(desk.ports, BEN, code(app, NOW), now=NOW)
        await totp.confirm(desk.ports, ANNA, code(app, NOW), now=NOW)
        with pytest.raises(NotProven):  # its first code is used up
            await totp.verify(desk.ports, ANNA, code(app, NOW), now=NOW)
        assert desk.happened == ["totp.add"]


async def test_a_first_factor_is_the_first(database):
    async with open_desk(database) as desk:
        await desk.app()
        begun = await totp.begin(desk.ports, ANNA, email="a@b.example", name="Other", now=NOW)
        with pytest.raises(Refusal) as refused:
            await totp.confirm(
                desk.ports, ANNA, code(pyotp.TOTP(begun.secret), NOW), now=NOW, first=True
            )
        assert refused.value.code == "factor_exists"
        assert len(await held.factors(desk.ports, ANNA)) == 1


async def test_the_last_factor_stays(database):
    async with open_desk(database) as desk:
        await desk.app()
        (only,) = await held.factors(desk.ports, ANNA)
        assert (only.kind, only.name) == ("totp", "Phone")
        with pytest.raises(Refusal) as refused:
            await held.remove(desk.ports, ANNA, only.id, now=NOW)
        assert refused.value.code == "last_factor"
        await desk.passkey()
        with pytest.raises(Refusal):
            await held.remove(desk.ports, BEN, only.id, now=NOW)
        ids = [factor.id for factor in await held.factors(desk.ports, ANNA)]
        done = await asyncio.gather(
            *(held.remove(desk.ports, ANNA, id_, now=NOW) for id_ in ids), return_exceptions=True
        )
        assert sum(isinstance(result, str) for result in done) == 1
        assert len(await held.factors(desk.ports, ANNA)) == 1


async def test_the_seed_is_sealed(database):
    async with open_desk(database) as desk:
        app = await desk.app()
        connection = await asyncpg.connect(**database["superuser"])
        rows = str(await connection.fetch("select * from gateway.totp"))
        raw = b"".join(await connection.fetchval("select array_agg(sealed) from gateway.totp"))
        await connection.close()
        assert app.secret not in rows
        assert "Phone" not in rows
        assert app.secret.encode() not in raw
        assert app.byte_secret() not in raw
        assert await find.kinds(desk.ports.pool, ANNA) == ("totp",)
