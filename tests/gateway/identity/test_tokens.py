"""Access tokens and the keys that sign them: types kept apart, rotation with overlap, holders asked every second."""

import asyncio
import base64
import dataclasses
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from lockgate.gateway.identity import signing_keys
from lockgate.gateway.identity.accounts import create_account
from lockgate.gateway.identity.authenticate import Authenticator, Foreign, Presented, Unauthenticated
from lockgate.gateway.identity.signing_keys import SigningKeys
from lockgate.gateway.identity.standing import Standing
from lockgate.gateway.identity.tokens import ACCESS, SESSION, Invalid, Tokens
from lockgate.gateway.storage.database import Pool, connect_pool
from lockgate.kernel import clock, jws
from lockgate.kernel.errors import Refusal
from tests.gateway.web.door import MemoryBox

ISSUER = "https://pay.example"
DAY = 24 * 3600


@dataclass
class Desk:
    """Tokens over a real database, an authenticator that knows one holder, and a clock for what it remembers."""

    pool: Pool
    tokens: Tokens
    accounts: list[str]
    standing: Standing
    asked: int = 0
    seconds: float = 1000.0
    proof: str = ""
    authenticator: Authenticator = field(init=False)

    def __post_init__(self) -> None:
        async def holder(_claims: Any) -> Standing | None:
            self.asked += 1
            return self.standing if self.standing.accounts else None

        self.authenticator = Authenticator(
            self.pool, pepper=bytes(32), tokens=self.tokens, holders={SESSION: holder, ACCESS: holder}, proofs=self,
            monotonic=lambda: self.seconds,
        )  # fmt: skip

    async def check(self, proofs: Any, *, method: str, url: str, token: str | None, now: int) -> str:
        """As the checker of proofs: whoever asks has just proven the key ``proof``."""
        return self.proof

    async def issue(self, typ: str = SESSION, **claims: Any) -> str:
        return await self.tokens.issue(typ, {"sub": "per_1", "sid": "ses_1", **claims}, life_s=900, now=clock.now())

    async def identify(self, text: str, *, scheme: str = "bearer", **more: Any) -> Any:
        async def look_up() -> None:
            """Any number of unknown ones may be looked up."""

        presented = Presented(scheme, text, "192.0.2.1", "test", **more)
        return await self.authenticator.identify(presented, before_unknown=look_up)

    async def refused(self, text: str, **more: Any) -> str:
        with pytest.raises(Unauthenticated) as caught:
            await self.identify(text, **more)
        return caught.value.why


@pytest.fixture
async def desk(database: Any) -> AsyncIterator[Desk]:
    pool = await connect_pool(
        database=database.settings, user="lockgate_gateway", password=database.passwords["gateway"], size=4
    )
    async with pool.acquire() as connection, connection.transaction():
        rows = [
            await create_account(connection, by="test", name="Shop", country="DE", currency="eur") for _ in range(2)
        ]
    made = [row.id for row in rows]
    standing = Standing("person", "per_1", "ses_1", {made[0]: {"charges": "read"}}, {made[0]: ("support",)})
    yield Desk(pool, Tokens(SigningKeys(pool, MemoryBox()), issuer=ISSUER), made, standing)  # type: ignore[arg-type]
    await pool.close()


async def test_a_token_becomes_its_holder_in_the_mode_it_asks_for(desk: Desk) -> None:
    who = (await desk.identify(await desk.issue(), livemode="true")).principal
    assert (who.kind, who.id, who.account, who.livemode, who.session) == (
        "person", "per_1", desk.accounts[0], True, "ses_1",
    )  # fmt: skip
    assert who.may("charges", "read") and not who.may("charges", "write") and who.roles == ("support",)


async def test_a_holder_is_asked_once_a_second_and_an_ended_one_is_felt_then(desk: Desk) -> None:
    text = await desk.issue()
    for _ in range(20):
        await desk.identify(text)
    assert desk.asked == 1
    desk.standing = dataclasses.replace(desk.standing, accounts={})
    await desk.identify(text)
    desk.seconds += 1
    assert await desk.refused(text) == "ended_session"


async def test_of_several_accounts_the_header_names_one_and_no_foreign_one(desk: Desk) -> None:
    text = await desk.issue()
    with pytest.raises(Foreign):
        await desk.identify(text, account=desk.accounts[1])
    desk.standing = dataclasses.replace(desk.standing, accounts={id_: {"charges": "read"} for id_ in desk.accounts})
    desk.seconds += 1
    with pytest.raises(Refusal, match="Stripe-Account"):
        await desk.identify(text)
    assert (await desk.identify(text, account=desk.accounts[1])).principal.account == desk.accounts[1]
    with pytest.raises(Refusal, match="Stripe-Livemode"):
        await desk.identify(text, account=desk.accounts[1], livemode="yes")


async def test_an_apps_token_has_the_mode_of_its_grant(desk: Desk) -> None:
    desk.standing = dataclasses.replace(desk.standing, kind="app", id="ca_1", livemode=False, person="per_1")
    who = (await desk.identify(await desk.issue(ACCESS), livemode="true")).principal
    assert (who.kind, who.livemode, who.person) == ("app", False, "per_1")
    assert not who.may("api_keys", "read")


async def test_types_and_audiences_keep_apart(desk: Desk) -> None:
    now = clock.now()
    for typ, other in ((SESSION, ACCESS), (ACCESS, SESSION)):
        text = await desk.issue(typ)
        assert (await desk.tokens.verify(text, typ=typ, now=now))["sub"] == "per_1"
        with pytest.raises(Invalid, match="malformed"):
            await desk.tokens.verify(text, typ=other, now=now)
    elsewhere = Tokens(desk.tokens.keys, issuer="https://other.example")
    with pytest.raises(Invalid, match="another"):
        await elsewhere.verify(await desk.issue(), typ=SESSION, now=now)


async def test_a_token_is_over_to_the_second(desk: Desk) -> None:
    now = clock.now()
    text = await desk.tokens.issue(SESSION, {"sub": "x", "sid": "y"}, life_s=900, now=now)
    assert await desk.tokens.verify(text, typ=SESSION, now=now + 899)
    with pytest.raises(Invalid, match="expired"):
        await desk.tokens.verify(text, typ=SESSION, now=now + 900)
    with pytest.raises(Invalid, match="not_yet"):
        await desk.tokens.verify(text, typ=SESSION, now=now - 61)


async def test_a_remembered_token_ends_with_its_time_and_not_with_the_next_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await desk.issue()
    await desk.identify(text)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 901)
    assert await desk.refused(text) == "expired_token"


async def test_a_bound_token_is_nothing_without_what_it_is_bound_to(desk: Desk) -> None:
    by_certificate = await desk.issue(ACCESS, cnf={"x5t#S256": "thumb"})
    assert await desk.refused(by_certificate) == "bound_to_another_certificate"
    assert await desk.refused(by_certificate, certificate="other") == "bound_to_another_certificate"
    assert (await desk.identify(by_certificate, certificate="thumb")).principal.certificate == "thumb"
    by_key = await desk.issue(ACCESS, cnf={"jkt": "key"})
    desk.proof = "key"
    assert await desk.refused(by_key) == "bound_token_as_bearer"
    assert await desk.identify(by_key, scheme="dpop", proofs=("proof",))
    desk.proof = "another"
    assert await desk.refused(by_key, scheme="dpop", proofs=("proof",)) == "proof_by_another_key"
    assert await desk.refused(await desk.issue(ACCESS), scheme="dpop", proofs=("proof",)) == "unbound_token_as_dpop"


@pytest.mark.parametrize("text", ["a.b.c", "..", "e30.e30.", f"x.{'y' * 20000}.z"])
async def test_rubbish_is_refused_without_a_question(desk: Desk, text: str) -> None:
    assert await desk.refused(text) == "malformed_token"
    assert desk.asked == 0


async def test_a_forged_token_is_told_from_a_malformed_one_on_record_alone(desk: Desk) -> None:
    head, claims, _ = (await desk.issue()).split(".")
    body = json.loads(base64.urlsafe_b64decode(claims + "=="))
    forged = ".".join((head, jws.base64url(json.dumps(body | {"sub": "per_2"}).encode()), jws.base64url(bytes(64))))
    with pytest.raises(Unauthenticated) as caught:
        await desk.identify(forged)
    assert caught.value.why == "forged_token" and "forged" not in caught.value.message
    assert caught.value.challenge == 'Bearer error="invalid_token"'


async def test_the_next_key_is_published_a_day_before_it_signs_and_the_old_one_while_its_tokens_live(
    desk: Desk,
) -> None:
    keys, now = desk.tokens.keys, clock.now()
    await keys.keep_up(now=now)
    text = await desk.tokens.issue(SESSION, {"sub": "x", "sid": "y"}, life_s=900, now=now)
    [first] = [entry["kid"] for entry in await keys.published()]
    assert await keys.keep_up(now=now + signing_keys.SIGNS_S - DAY - 1) == 0
    assert await keys.keep_up(now=now + signing_keys.SIGNS_S - DAY) == 1
    second = next(entry["kid"] for entry in await keys.published() if entry["kid"] != first)
    late = now + signing_keys.SIGNS_S - 1
    assert (await keys.current(late))[0] == first
    assert (await keys.current(late + 1))[0] == second
    assert await desk.tokens.verify(text, typ=SESSION, now=now + 1)
    assert await keys.keep_up(now=late + 1 + signing_keys.LONGEST_TOKEN_S) == 0
    assert await keys.keep_up(now=late + 2 + signing_keys.LONGEST_TOKEN_S) == 1
    with pytest.raises(Invalid, match="unknown_signing_key"):
        await desk.tokens.verify(text, typ=SESSION, now=now + 1)


async def test_what_is_published_and_kept_shows_no_private_half(desk: Desk) -> None:
    await desk.issue()
    [published] = await desk.tokens.keys.published()
    assert set(published) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    [row] = await desk.pool.fetch("select public, sealed from signing_key")
    assert b"BEGIN" not in row["sealed"] and b"\x02\x01\x01\x04\x20" not in row["sealed"]
    assert "d" not in json.loads(row["public"])


async def test_a_key_that_leaked_takes_its_tokens_with_it(desk: Desk) -> None:
    text, now = await desk.issue(), clock.now()
    await desk.tokens.keys.revoke(jws.header(text)["kid"], now=now)
    with pytest.raises(Invalid, match="unknown_signing_key"):
        await desk.tokens.verify(text, typ=SESSION, now=now)
    assert await desk.tokens.verify(await desk.issue(), typ=SESSION, now=now)


async def test_processes_that_make_the_first_key_together_read_each_others_tokens(desk: Desk) -> None:
    box = desk.tokens.keys.box
    several = [Tokens(SigningKeys(desk.pool, box), issuer=ISSUER) for _ in range(4)]
    now = clock.now()
    texts = await asyncio.gather(
        *(one.issue(SESSION, {"sub": "x", "sid": "y"}, life_s=900, now=now) for one in several)
    )
    for one in several:
        one.keys._read_at = None
        for text in texts:
            assert await one.verify(text, typ=SESSION, now=now)
