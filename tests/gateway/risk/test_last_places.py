"""Where a card and a customer were last, as the database finds it."""

from lockgate.gateway.risk.find_history import history
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.records import RiskEventRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.velocity import store
from lockgate.gateway.velocity.core.keys import Keys
from tests.gateway.customers.desk import ACCOUNT, pool_as

CARD, CUSTOMER, OTHER = (bytes([number]) * 16 for number in (1, 2, 3))
BERLIN, PARIS, TOKYO = (52.5, 13.4, 20.0), (48.9, 2.4, 20.0), (35.7, 139.7, 20.0)


def event(number, at_ms, place, *, card=CARD, customer=None, livemode=False, account=ACCOUNT):
    return RiskEventRow(
        account=account, livemode=livemode, attempt=f"pa_{number}", at_ms=at_ms, card=card, customer=customer, ip=None,
        device=None, email=None, bin=None, amount=1, state="open", place=place,
    )  # fmt: skip


async def test_the_newest_place_before_now_of_this_account_and_mode(database):
    async with pool_as(database, "gateway") as pool:
        committer = Committer(pool)
        for row in (
            event(1, 1_000, PARIS, customer=CUSTOMER), event(2, 3_000, BERLIN), event(3, 2_000, TOKYO),
            event(4, 4_000, None, customer=CUSTOMER), event(5, 9_000, TOKYO), event(6, 5_000, TOKYO, card=OTHER),
            event(7, 5_000, TOKYO, livemode=True), event(8, 5_000, TOKYO, account="acct_other00000000001"),
        ):  # fmt: skip
            await committer.commit(Commit(risk_events=[row]))
        for _ in ("single", "folded"):
            found = await last_places(pool, CARD, CUSTOMER)
            assert ([round(one, 1) for one in found[0]], found[1]) == ([52.5, 13.4, 20.0], 3_000)
            assert ([round(one, 1) for one in found[2]], found[3]) == ([48.9, 2.4, 20.0], 1_000)
            assert tuple(await last_places(pool, None, OTHER)) == (None, None, None, None)
            async with pool_as(database, "worker") as worker:
                for kind, key in (("card", CARD), ("customer", CUSTOMER)):
                    await store.fold(worker, store.Busy(ACCOUNT, False, kind, key), recent_ms=0, limit=99)
        await committer.close()


async def last_places(pool, card, customer):
    keys = Keys(card=card, customer=customer)
    return (await history(pool, ACCOUNT, False, keys=keys, amount=1, now_ms=5_000, hashes=[])).last
