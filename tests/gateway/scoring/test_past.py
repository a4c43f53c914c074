"""What is learnt of stored decisions: their attributes, and only of payments that could have turned out as fraud."""

import json

from lockgate.gateway.rules.core.packed import pack
from lockgate.gateway.scoring import past
from lockgate.gateway.scoring.core import features
from lockgate.gateway.storage.database import Pool

ACCOUNT = "acct_past"
DAY_MS = 86_400_000


async def _decided(pool: Pool, name: str, *, state: str, verdict: str = "allow", known_ms: int | None = None) -> None:
    """A payment, one millisecond after the one before; ``known_ms``: from when it is known as fraud."""
    at_ms = DAY_MS + await pool.fetchval("select count(*) from risk_decision where account = $1", ACCOUNT)
    await pool.execute(
        "insert into risk_event (account, livemode, attempt, at_ms, card, amount, state)"
        " values ($1, false, $2, $3, $4, 700, $5)",
        ACCOUNT, name, at_ms, name.encode().ljust(16), state,
    )  # fmt: skip
    packed = pack({"amount": 700 + at_ms % DAY_MS})
    await pool.execute(
        "insert into risk_decision (account, livemode, id, created, at_ms, attempt, verdict, challenge, flagged, score,"
        " ruleset, data, attributes, others) values ($1, false, $2, 0, $3, $2, $4, false, false, 1, 'none', '{}', $5,"
        " $6)",
        ACCOUNT, name, at_ms, verdict, packed.row, json.dumps(packed.others),
    )  # fmt: skip
    if known_ms is not None:
        await pool.execute(
            "insert into risk_label (account, livemode, id, version, created, attempt, fraud, source, known_ms)"
            " values ($1, false, $2, 1, 0, $2, true, 'import', $3)",
            ACCOUNT, name, known_ms,
        )  # fmt: skip


async def test_what_was_stopped_or_declined_teaches_nothing_unless_something_is_known_of_it(pool: Pool) -> None:
    await _decided(pool, "paid", state="approved")
    await _decided(pool, "blocked", state="blocked", verdict="block")
    await _decided(pool, "declined", state="declined")
    await _decided(pool, "unsent", state="void")
    await _decided(pool, "in_doubt", state="open")
    await _decided(pool, "told", state="declined", known_ms=9 * DAY_MS)
    data = await past.table(pool, ACCOUNT, False, from_ms=0, until_ms=2 * DAY_MS)
    assert [one - DAY_MS for one in data.at_ms.tolist()] == [0, 4, 5]
    assert data.known_ms.tolist() == [0, 0, 9 * DAY_MS]
    assert not data.known_at(9 * DAY_MS - 1).any() and data.known_at(9 * DAY_MS).sum() == 1
    assert (data.rows[1] == features.vector({"amount": 704})).all()
    assert len(set(data.card.tolist())) == 3
