"""What judging costs: CPU of the gateway's share, of PostgreSQL and of the worker, with a verdict and without.

The same payments are committed turn by turn as the gateway does it, before they are sent and after, once with what risk
adds to both commits and once without. Two kinds of traffic: a shop's, with shoppers who come once and some who come
back, and one hot card from one address, as a load test has and no shop.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count as count_from
from itertools import repeat

import stripe

from lockgate.gateway.boot_risk import Risk
from lockgate.gateway.risk.core.subject import Card, Customer, Subject
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.storage.commit import Committer, Overrun
from lockgate.gateway.storage.database import connect_pool
from lockgate.gateway.storage.records import RiskOutcomeRow
from lockgate.gateway.storage.rows import AuditRow, Commit
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from tests.gateway.customers.desk import MemoryBox
from tests.support.running import Running

TURNS = 5
REGULARS = 400
RETURNING = 0.4
"""The part of a shop's payments that comes from regulars."""

AT_ONCE = 8
SETTLED_S = 2.0
"""After each turn, so that the worker's share of it belongs to it."""

RULES = (
    "block if :ip_country: != :card_country: and :card_amount_1h: > 3000 USD",
    "review if :email_cards_24h: > 3",
    "review if is_missing(:shipping_country:) and :amount: > 900 USD",
    "block if :card_ips_24h: > 6",
    "flag if :is_email_disposable:",
    "challenge if :amount: > 400 USD and not :is_card_saved:",
    "review if :customer_amount_24h: > 4000 USD",
    "block if :ip_declines_1h: > 15",
    "allow if :customer_age_h: > 5000 and :card_attempts_30d: > 3 and :amount: < 50 USD",
    "flag if :risk_score: > 60 or :bin_declines_1h: > 40",
)


def bench_risking(
    running: Running, pids: Mapping[str, int], *, cpu_s: Callable[..., dict[str, float]], count: int
) -> None:
    """The engine that the gateway runs, as strict as in live mode, beside ten rules and the model that is served."""
    for number, text in enumerate(RULES):
        stripe.StripeClient(running["secret_key"], base_addresses={"api": running["api"]}).raw_request(
            "post", "/v1/risk/rules", rule=text, description=f"bench {number}"
        )
    others = {name: pids[name] for name in ("postgres", "worker")}

    def spent() -> dict[str, float]:
        return {"gateway": time.process_time(), **cpu_s(others)}

    account = running["account"]
    for label, shoppers in (("a shop's payments", _shop(account)), ("one hot card", repeat(_shopper(account, 0)))):
        turns = asyncio.run(_turns(running, spent, shoppers=shoppers, count=count))
        added = {name: statistics.median(one[name] - none[name] for none, one in turns) for name in turns[0][0]}
        without, with_ = (statistics.median(sum(turn[n].values()) for turn in turns) for n in (0, 1))
        shares = "  ".join(f"{name} {ms:+.3f}" for name, ms in added.items())
        print(
            f"risk, {label}: CPU per payment with {with_:.3f} ms and without {without:.3f} ms, so "
            f"{with_ - without:+.3f} ms ({shares}; {len(RULES)} rules)"
        )


def _shop(account: str) -> Iterator[Subject]:
    """Shoppers as they come: most were never seen before."""
    drawn = random.Random(5)
    for number in count_from(REGULARS):
        yield _shopper(account, drawn.randrange(REGULARS) if drawn.random() < RETURNING else number)


async def _turns(
    running: Running, spent: Callable[[], dict[str, float]], *, shoppers: Iterator[Subject], count: int
) -> list[tuple[dict[str, float], dict[str, float]]]:
    """For each turn the milliseconds of a payment by program, without verdicts and with."""
    settings = running.settings()
    pool = await connect_pool(
        database=settings["database"],
        user="lockgate_gateway",
        password=running.secrets("gateway")["database_password"],
        size=AT_ONCE,
    )
    committer, box = Committer(pool), MemoryBox()
    risk = Risk(
        {**settings, "risk": {"enforce_in_test": True}},
        Ports(pool, committer, box, lambda: None),
        pool=pool,
        box=box,  # type: ignore[arg-type] - keys in memory
        puzzle_key=b"k" * 32,
    )
    drawn = random.Random(6)
    found = []

    async def pay(judged: bool) -> None:
        after = Commit(audits=[_audit(running["account"])])
        if not judged:
            await committer.commit(Commit(audits=[_audit(running["account"])]))
        else:
            outcome = await _judged(risk, committer, next(shoppers), amount=drawn.randrange(500, 5_000))
            after.risk_outcomes.append(outcome)
        await committer.commit(after)

    for turn in range(TURNS + 1):
        costs = []
        for judged in (False, True):
            before = spent()
            left = iter(range(count))
            await asyncio.gather(*(_each(left, lambda judged=judged: pay(judged)) for _ in range(AT_ONCE)))
            await asyncio.sleep(SETTLED_S)
            costs.append({name: 1000 * (seconds - before[name]) / count for name, seconds in spent().items()})
        if turn:  # the first one prepares statements and fills caches
            found.append((costs[0], costs[1]))
    await committer.close()
    await pool.close()
    return found


async def _judged(risk: Risk, committer: Committer, shopper: Subject, *, amount: int) -> RiskOutcomeRow:
    """Judge and commit, again if it was overtaken; how it ended, for the commit after."""
    while True:
        now_ms = clock.now_ms()
        subject = replace(
            shopper, now=now_ms // 1000, now_ms=now_ms, attempt=new_id("pa"), intent=new_id("pi"), charge=new_id("ch"),
            amount=amount,
        )  # fmt: skip
        made = await risk.assess(subject)
        commit = Commit(audits=[_audit(subject.account)])
        made.into(commit)
        try:
            await committer.commit(commit)
        except Overrun:
            continue
        return RiskOutcomeRow(subject.account, subject.livemode, subject.attempt, "approved")


async def _each(left: Iterator[int], pay: Callable[[], Awaitable[None]]) -> None:
    for _ in left:
        await pay()


def _shopper(account: str, number: int) -> Subject:
    return Subject(
        account=account, livemode=False, now=0, now_ms=0, attempt="", intent=None, charge=None, amount=0,
        currency="usd", kind="secret", shipping_country="US", billing_country="US",
        card=Card(
            fingerprint=f"1{number:021d}", bin=f"4{number % 40:05d}", brand="visa", funding="credit", country="US"
        ),
        customer=Customer(id=f"cus_{number:022d}", created=1_700_000_000),
        email=f"shopper{number}@example.com",
        address=f"73.{number // 62_500 % 250}.{number // 250 % 250}.{number % 250 + 1}",
    )  # fmt: skip


def _audit(account: str) -> AuditRow:
    return AuditRow(
        account=account, livemode=False, id=new_id("aud"), created_ms=clock.now_ms(), action="payment_intent.confirm",
        outcome="begun", actor="secret:bench", object=None, address=None, request=None, detail="{}", personal=None,
    )  # fmt: skip
