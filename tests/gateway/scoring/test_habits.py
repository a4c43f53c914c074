"""Habits and labels in the database: the same as their twins in memory say, whatever happened in which order."""

from dataclasses import dataclass, field
from random import Random

import pytest

from lockgate.gateway.risk.find_history import history
from lockgate.gateway.rules.core.catalogue import HABIT_KEYS, HABITS
from lockgate.gateway.scoring.core.habits import NAMES, PAST, Habits
from lockgate.gateway.scoring.labels import label
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import RiskEventRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.store import Busy, fold

ACCOUNT = "acct_habits"
START_MS = 1_760_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def _keys(random: Random) -> Keys:
    return Keys(
        card=b"c" * 15 + bytes([random.randrange(3)]),
        customer=b"u" * 15 + bytes([random.randrange(2)]) if random.random() < 0.8 else None,
        ip=b"i" * 16,
        device=b"d" * 15 + bytes([random.randrange(2)]) if random.random() < 0.7 else None,
    )


@dataclass
class Shop:
    """One account whose payments and labels go to the database and to the twin alike."""

    pool: Pool
    twin: Habits = field(default_factory=Habits)
    now_ms: int = START_MS

    def __post_init__(self) -> None:
        self.committer = Committer(self.pool)

    async def pay(self, name: str, keys: Keys, amount: int, *, state: str = "open") -> None:
        event = RiskEventRow(
            ACCOUNT, False, name, self.now_ms, keys.card, keys.customer, keys.ip, keys.device, keys.email, keys.bin,
            amount, state,
        )  # fmt: skip
        await self.committer.commit(Commit(risk_events=[event]))
        if state != "void":
            self.twin.add(name, keys, amount=amount, at_ms=self.now_ms)

    async def label(self, name: str, *, fraud: bool, known_ms: int | None = None) -> None:
        known = self.now_ms if known_ms is None else known_ms
        row = label(ACCOUNT, False, fraud=fraud, source="import", now=known // 1000, known_ms=known, attempt=name)
        await self.committer.commit(Commit(risk_labels=[row]))

    async def told(self, keys: Keys) -> dict[str, int | float]:
        names = {name for names in NAMES.values() for name in names}
        return {name: value for name, value in (await self.counted(keys)).items() if name in names}

    async def counted(self, keys: Keys) -> dict[str, int | float]:
        found = await history(self.pool, ACCOUNT, False, keys=keys, amount=0, now_ms=self.now_ms, hashes=[])
        return found.counted

    async def frauds(self, keys: Keys) -> tuple[object, object]:
        found = await self.counted(keys)
        return found["card_frauds_7d"], found["card_frauds_30d"]


def test_the_catalogue_names_what_habits_tell() -> None:
    assert set(NAMES) == set(HABIT_KEYS)
    assert all(names == tuple(f"{kind}_{habit}" for habit in HABITS) for kind, names in NAMES.items())


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_database_says_what_the_twin_says(pool: Pool, worker: Pool, seed: int) -> None:
    random, shop = Random(seed), Shop(pool)
    for number in range(2 * PAST + 40):
        shop.now_ms += random.randrange(1, 12 * HOUR_MS)
        keys = _keys(random)
        assert await shop.told(keys) == shop.twin.attributes(keys, now_ms=shop.now_ms)
        state = random.choice(("open", "approved", "declined", "blocked", "void"))
        await shop.pay(f"pa_{number}", keys, random.randrange(1, 10**9), state=state)
        if number > 5 and random.random() < 0.4:
            which, fraud = f"pa_{random.randrange(number)}", random.random() < 0.8
            await shop.label(which, fraud=fraud)
            shop.twin.label(which, fraud=fraud)
        if random.random() < 0.1:  # parts of a key become counts: what its last payments were like must not change
            kind = random.choice(HABIT_KEYS)
            key = getattr(keys, kind)
            if key is not None:
                await fold(
                    worker, Busy(ACCOUNT, False, kind, key), recent_ms=shop.now_ms, limit=random.randrange(1, 60)
                )


async def test_a_run_of_frauds_ends_with_the_first_payment_that_stays_clean(pool: Pool) -> None:
    shop, keys = Shop(pool), Keys(card=b"r" * 16)
    for number, (amount, fraud) in enumerate([(900, True), (500, False), (700, True), (300, True), (40_000, False)]):
        await shop.pay(f"pa_r{number}", keys, amount)
        if fraud:
            await shop.label(f"pa_r{number}", fraud=True)
        shop.now_ms += DAY_MS

    async def told(days: int) -> dict[str, int | float]:
        shop.now_ms = START_MS + days * DAY_MS
        found = await shop.told(keys)
        names = ("fraud_run", "fraud_run_first_h", "fraud_run_lowest", "clean_last_h", "highest_7d")
        return {name: found[f"card_{name}"] for name in names if f"card_{name}" in found}

    assert await told(5) == {"fraud_run": 3, "fraud_run_first_h": 120, "fraud_run_lowest": 300, "highest_7d": 40_000}
    run = {"fraud_run": 2, "fraud_run_first_h": 192, "fraud_run_lowest": 300}
    assert await told(10) == {**run, "clean_last_h": 216, "highest_7d": 40_000}
    assert await told(11) == {"fraud_run": 0, "clean_last_h": 168}


async def test_a_key_that_was_never_seen_has_no_past(pool: Pool) -> None:
    assert await Shop(pool).told(Keys(card=b"n" * 16)) == {"card_past_payments": 0}
    assert await Shop(pool).told(Keys(ip=b"n" * 16)) == {}


async def test_a_label_counts_from_when_it_was_known_and_no_longer_once_it_is_taken_back(pool: Pool) -> None:
    shop, keys = Shop(pool), Keys(card=b"l" * 16)
    await shop.pay("pa_l", keys, 500)
    known = START_MS + 8 * DAY_MS
    await shop.label("pa_l", fraud=True, known_ms=known)
    shop.now_ms = known - DAY_MS
    assert await shop.frauds(keys) == (0, 0)
    assert (await shop.told(keys))["card_past_frauds"] == 0
    shop.now_ms = known
    assert await shop.frauds(keys) == (1, 1)
    assert (await shop.told(keys))["card_past_frauds"] == 1
    shop.now_ms = known + 10 * DAY_MS
    assert await shop.frauds(keys) == (0, 1)
    await shop.label("pa_l", fraud=True)  # said once more, later: it was known since the first time
    assert await shop.frauds(keys) == (0, 1)
    await shop.label("pa_l", fraud=False)
    assert await shop.frauds(keys) == (0, 0)
    assert (await shop.told(keys))["card_past_frauds"] == 0


async def test_the_word_that_was_known_last_is_believed_however_late_it_is_told(pool: Pool) -> None:
    shop, keys = Shop(pool), Keys(card=b"o" * 16)
    await shop.pay("pa_o", keys, 500)
    shop.now_ms += 5 * DAY_MS
    await shop.label("pa_o", fraud=False)
    await shop.label("pa_o", fraud=True, known_ms=shop.now_ms - DAY_MS)
    assert await shop.frauds(keys) == (0, 0)
    shop.now_ms += DAY_MS
    await shop.label("pa_o", fraud=True)
    assert await shop.frauds(keys) == (1, 1)


async def test_a_label_of_a_payment_that_nobody_judged_is_kept_and_counts_for_nothing(pool: Pool) -> None:
    row = label(ACCOUNT, False, fraud=True, source="import", now=1, known_ms=1000, charge="ch_unjudged")
    await Committer(pool).commit(Commit(risk_labels=[row]))
    assert await pool.fetchval("select attempt is null from risk_label where account = $1 and id = $2", ACCOUNT, row.id)
    assert not await pool.fetchval("select count(*) from risk_fraud where account = $1", ACCOUNT)
