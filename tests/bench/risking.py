"""What judging costs: CPU of this process and of PostgreSQL for commits with a verdict and without, turn by turn."""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace

import stripe

from lockgate.gateway.boot_risk import Risk
from lockgate.gateway.risk.core.subject import Card, Customer, Subject
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import connect_pool
from lockgate.gateway.storage.rows import AuditRow, Commit
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from tests.gateway.customers.desk import MemoryBox
from tests.support.running import Running

TURNS = 5
SHOPPERS = 400
AT_ONCE = 8
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
    spent = asyncio.run(_turns(running, lambda: cpu_s({"postgres": pids["postgres"]})["postgres"], count=count))
    without, with_ = (statistics.median(turns) for turns in zip(*spent, strict=True))
    print(
        f"risk: CPU per payment with {with_:.3f} ms and without {without:.3f} ms, so {with_ - without:+.3f} ms "
        f"(gateway's share and PostgreSQL's, {len(RULES)} rules, {SHOPPERS} shoppers)"
    )


async def _turns(running: Running, postgres_s: Callable[[], float], *, count: int) -> list[tuple[float, float]]:
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
        Ports(pool, committer, box, lambda: None),  # type: ignore[arg-type] - keys in memory
        pool=pool,
        box=box,  # type: ignore[arg-type] - keys in memory
        puzzle_key=b"k" * 32,
    )
    drawn = random.Random(5)
    shoppers = [_shopper(running["account"], number) for number in range(SHOPPERS)]
    found = []

    async def pay(judged: bool) -> None:
        commit = Commit(audits=[_audit(running["account"])])
        if judged:
            now_ms = clock.now_ms()
            subject = replace(
                drawn.choice(shoppers), now=now_ms // 1000, now_ms=now_ms, attempt=new_id("pa"), intent=new_id("pi"),
                amount=drawn.randrange(500, 5_000),
            )  # fmt: skip
            (await risk.assess(subject)).into(commit)
        await committer.commit(commit)

    for turn in range(TURNS + 1):
        costs = []
        for judged in (False, True):
            before = time.process_time() + postgres_s()
            left = iter(range(count))
            await asyncio.gather(*(_each(left, lambda judged=judged: pay(judged)) for _ in range(AT_ONCE)))
            costs.append(1000 * (time.process_time() + postgres_s() - before) / count)
        if turn:  # the first one prepares statements and fills caches
            found.append((costs[0], costs[1]))
    await committer.close()
    await pool.close()
    return found


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
        address=f"198.51.{number // 250}.{number % 250 + 1}",
    )  # fmt: skip


def _audit(account: str) -> AuditRow:
    return AuditRow(
        account=account, livemode=False, id=new_id("aud"), created_ms=clock.now_ms(), action="payment_intent.confirm",
        outcome="begun", actor="secret:bench", object=None, address=None, request=None, detail="{}", personal=None,
    )  # fmt: skip
