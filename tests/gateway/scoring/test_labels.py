"""A merchant's word on a payment: kept, believed from when it was known, on record; what makes no sense is refused."""

import json
from typing import Any

import pytest

from lockgate.gateway.scoring import api
from lockgate.gateway.storage.database import Pool
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from tests.gateway.customers.desk import Conclusions

ACCOUNT, OTHER = "acct_labels", "acct_labels_other"
PAID, NOW = 1_700_000_000, 1_700_900_000


async def _told(pool: Pool, body: str, *, account: str = ACCOUNT, livemode: bool = False) -> Any:
    [operation] = api.operations(pool)
    call = Call(
        operation=operation, principal=Principal(account, livemode, "secret", "key"), path={},
        params=operation.params.parse(nest(read_fields(body.encode())), ""), expand=(), request_id="req_1",
        api_version="2026-06-24.dahlia", now=NOW, claim=None, concluding=Conclusions(),
    )  # fmt: skip
    answer = await operation.handler(call)
    return json.loads(answer.body) if isinstance(answer, Answer) else answer


async def _judged(pool: Pool, charge: str) -> None:
    await pool.execute(
        "insert into risk_event (account, livemode, attempt, at_ms, card, amount, state)"
        " values ($1, false, $2, $3, $4, 700, 'approved')",
        ACCOUNT, f"pa_{charge}", PAID * 1000, charge.encode().ljust(16),
    )  # fmt: skip
    await pool.execute(
        "insert into risk_decision (account, livemode, id, created, at_ms, attempt, charge, verdict, challenge,"
        " flagged, ruleset, data, attributes, others)"
        " values ($1, false, $2, 0, $3, $4, $5, 'allow', false, false, 'none', '{}', '', '[]')",
        ACCOUNT, f"rdec_{charge}", PAID * 1000, f"pa_{charge}", charge,
    )  # fmt: skip


async def test_a_label_counts_from_when_it_was_known_and_is_on_record(pool: Pool) -> None:
    await _judged(pool, "ch_told")
    told = await _told(pool, f"charge=ch_told&fraud=true&known_at={PAID + 60}")
    assert told == {
        "id": told["id"], "object": "risk_label", "charge": "ch_told", "created": NOW, "fraud": True,
        "known_at": PAID + 60, "livemode": False,
    }  # fmt: skip
    known = "select known_ms from risk_fraud where account = $1 and attempt = 'pa_ch_told'"
    assert await pool.fetchval(known, ACCOUNT) == (PAID + 60) * 1000
    [row] = await pool.fetch("select action, request from audit where object = $1", told["id"])
    assert tuple(row) == ("risk_label.create", "req_1")
    assert (await _told(pool, "charge=ch_told&fraud=false"))["known_at"] == NOW
    assert await pool.fetchval(known, ACCOUNT) is None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("charge=ch_odd&fraud=perhaps", "fraud"),
        ("charge=ch_odd", "fraud"),
        ("fraud=true", "charge"),
        ("charge=ch_none&fraud=true", "charge"),
        (f"charge=ch_odd&fraud=true&known_at={PAID - 1}", "known_at"),
        (f"charge=ch_odd&fraud=true&known_at={NOW + 1}", "known_at"),
        ("charge=ch_odd&fraud=true&source=dispute", "source"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name_and_changes_nothing(pool: Pool, body: str, param: str) -> None:
    if not await pool.fetchval("select count(*) from risk_decision where charge = 'ch_odd'"):
        await _judged(pool, "ch_odd")
    with pytest.raises(Refusal) as refused:
        await _told(pool, body)
    assert refused.value.param == param
    assert not await pool.fetchval("select count(*) from risk_label where charge in ('ch_odd', 'ch_none')")


async def test_another_account_or_mode_has_no_such_payment(pool: Pool) -> None:
    await _judged(pool, "ch_ours")
    for account, livemode in ((OTHER, False), (ACCOUNT, True)):
        with pytest.raises(Refusal) as refused:
            await _told(pool, "charge=ch_ours&fraud=true", account=account, livemode=livemode)
        assert refused.value.code == "resource_missing"
