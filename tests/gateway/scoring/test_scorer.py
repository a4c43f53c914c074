"""Models in the database: promoted, felt within a second, refused when changed, gone back from; and daily drift."""

import asyncio
import json

import pytest

from lockgate.gateway.rules.core.packed import pack
from lockgate.gateway.scoring import find, jobs, store
from lockgate.gateway.scoring.core.model import Model, Unreadable
from lockgate.gateway.scoring.promote import NotThere, add_within, give_role_within
from lockgate.gateway.scoring.scorer import FRESH_S, Scorer
from lockgate.gateway.scoring.shipped import shipped
from lockgate.gateway.scoring.train import train
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock
from lockgate.kernel.principal import Principal
from tests.gateway.scoring.made import LATER_MS, PLAN, made_table

KEY = b"s" * 32
ACCOUNT = "acct_scored"
WHO = Principal(ACCOUNT, False, "internal", "operator")
PAYMENT = {"amount": 5_000, "card_declines_1h": 9}


async def _key() -> bytes:
    return KEY


def _scorer(pool: Pool) -> Scorer:
    return Scorer(pool, _key)


@pytest.fixture(scope="module")
def model() -> Model:
    return train(made_table(), now_ms=LATER_MS, origin="a test", plan=PLAN)


async def _add(pool: Pool, model: Model, *, account: str = ACCOUNT, role: str | None = None) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await add_within(connection, WHO, account, model, key=KEY, now=1)
        if role is not None:
            await give_role_within(connection, WHO, account, model.id, role=role, key=KEY)


async def test_the_shipped_model_scores_until_there_is_another_and_says_what_it_is(pool: Pool) -> None:
    found = await _scorer(pool)(ACCOUNT, False, PAYMENT)
    assert found.model == shipped().id and found.score is not None
    assert "simulator" in shipped().header["origin"]


async def test_a_promoted_model_is_felt_within_a_second_and_is_on_record(pool: Pool, model: Model) -> None:
    scorer = _scorer(pool)
    assert (await scorer(ACCOUNT, False, PAYMENT)).model == shipped().id
    await _add(pool, model, role="serving")
    await asyncio.sleep(FRESH_S + 0.1)
    found = await scorer(ACCOUNT, False, PAYMENT)
    assert found.model == model.id and found.reasons[0].feature == "card_declines_1h"
    assert (await scorer("acct_other", False, PAYMENT)).model == shipped().id
    words = await pool.fetch("select action from audit where object = $1 order by created_ms, id", model.id)
    assert [row["action"] for row in words] == ["risk_model.create", "risk_model.promote"]


async def test_the_operator_s_model_serves_whoever_has_none(pool: Pool, model: Model) -> None:
    await _add(pool, model, account=find.OPERATOR, role="serving")
    assert (await _scorer(pool)("acct_any", True, PAYMENT)).model == model.id


async def test_a_shadow_scores_beside_and_a_role_is_given_back(pool: Pool, model: Model) -> None:
    await _add(pool, model, role="shadow")
    found = await _scorer(pool)(ACCOUNT, False, PAYMENT)
    assert found.model == shipped().id and found.shadow is not None and found.shadow["model"] == model.id
    async with pool.acquire() as connection, connection.transaction():
        assert await give_role_within(connection, WHO, ACCOUNT, None, role="shadow", key=KEY) == model.id
    assert (await _scorer(pool)(ACCOUNT, False, PAYMENT)).shadow is None


async def test_a_changed_file_is_not_served_and_not_promoted(pool: Pool, model: Model) -> None:
    await _add(pool, model, role="serving")
    file = bytearray(await find.file(pool, ACCOUNT, model.id) or b"")
    file[-100] ^= 1
    await pool.execute("update risk_model set file = $2 where account = $1", ACCOUNT, bytes(file))
    found = await _scorer(pool)(ACCOUNT, False, PAYMENT)
    assert (found.score, found.level, found.model) == (None, "not_assessed", None)
    async with pool.acquire() as connection:
        with pytest.raises(Unreadable):
            await give_role_within(connection, WHO, ACCOUNT, model.id, role="shadow", key=KEY)
        with pytest.raises(NotThere):
            await give_role_within(connection, WHO, ACCOUNT, "rmdl_none", role="serving", key=KEY)


async def test_a_day_that_moved_goes_on_record_once(pool: Pool, worker: Pool) -> None:
    midnight_ms = clock.now_ms() // 86_400_000 * 86_400_000
    packed = pack({"amount": 900_000, "card_declines_1h": 9, "ip_attempts_1h": 500})
    row, others = packed.row, json.dumps(packed.others)
    await pool.executemany(
        "insert into risk_decision (account, livemode, id, created, at_ms, attempt, verdict, challenge, flagged, score,"
        " ruleset, data, attributes, others) values ($1, false, $2, 0, $3, $2, 'allow', false, false, 1, 'none', '{}',"
        " $4, $5)",
        [(ACCOUNT, f"rdec_{n:06}", midnight_ms - 1 - n, row, others) for n in range(jobs.LEAST_PAYMENTS)],
    )
    assert await jobs.judge_drift(worker, _scorer(worker)) == 1
    assert await jobs.judge_drift(worker, _scorer(worker)) == 0
    [row] = await pool.fetch("select object, detail from audit where action = 'risk.drift'")
    assert row["object"] == shipped().id and "log_amount" in row["detail"]


async def test_what_is_old_is_forgotten(pool: Pool, worker: Pool) -> None:
    await pool.execute(
        "insert into risk_label (account, livemode, id, version, created, charge, fraud, source, known_ms)"
        " values ($1, false, 'rlbl_old', 1, 0, 'ch_old', true, 'import', 1000)",
        ACCOUNT,
    )
    await store.forget_labels(worker, before_ms=2000)
    assert not await pool.fetchval("select count(*) from risk_label where account = $1", ACCOUNT)
