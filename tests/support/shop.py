"""A shop that goes on paying, capturing, cancelling and refunding whatever happens, and remembers every answer."""

import asyncio
import contextlib
import json
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp

from lockgate.kernel.ids import new_id
from tests.support.errands import ERRANDS

RETRY_STATUSES = {409, 429, 500, 502, 503}
KEPT_STATUSES = {200, 402}  # what is refused has changed nothing, and may be granted to the same key later
REPLAYS = 300
# What each status may have become by the time nothing is in doubt any more. A payment in doubt may come out either way.
ENDS = {
    "payment_intent": {
        "processing": {"succeeded", "requires_capture", "requires_payment_method", "canceled"},
        "requires_capture": {"requires_capture", "succeeded", "canceled"},
    },
    "refund": {"pending": {"succeeded", "failed"}},
    "charge": {"pending": {"held", "captured", "failed"}, "held": {"held", "captured"}},
    "payout": {"pending": {"pending", "in_transit", "paid", "failed"}},
    "dispute": {"needs_response": {"needs_response", "under_review"}},
    "checkout_session": {"open": {"open", "expired"}},
}
READ = {"refund": "refunds", "charge": "charges", "payout": "payouts", "dispute": "disputes",
        "payment_intent": "payment_intents", "checkout_session": "checkout/sessions"}  # fmt: skip
ERRANDS_SHARE = 0.2


def word(thing: Mapping[str, Any]) -> str:
    """The one word for how an object stands."""
    if thing["object"] == "charge" and thing["status"] == "succeeded":
        return "captured" if thing["captured"] else "held"
    return thing["status"]


@dataclass
class Acknowledged:
    """An answer that Lockgate gave: its effect must exist ever after (I5)."""

    kind: str
    id: str
    status: str


@dataclass(frozen=True)
class Lasting:
    """The answer that a key got: whoever asks again under it must be told the same, byte for byte."""

    path: str
    params: Mapping[str, Any]
    key: str
    status: int
    body: bytes


@dataclass
class Shop:
    """Drives one Lockgate over its API. Retries keep their idempotency key, as the SDKs do."""

    api: str
    key: str
    ca_file: str
    seed: int
    give_up_s: float = 60.0
    acknowledged: list[Acknowledged] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    lasting: list[Lasting] = field(default_factory=list)
    replayed: int = 0
    changed_answers: list[str] = field(default_factory=list)
    stands: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Shop"]:
        context = ssl.create_default_context(cafile=self.ca_file) if self.api.startswith("https") else True
        connector = aiohttp.TCPConnector(ssl=context, limit=64)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=40),
            headers={"Authorization": f"Bearer {self.key}"},
        ) as self.session:
            yield self

    async def post(self, path: str, params: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """One logical request: sent again with the same key until there is a lasting answer."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.give_up_s
        key = new_id("k")
        pause = 0.1
        while True:
            status, body = 0, {}
            try:
                status, raw = await self._ask(path, params, key)
                body = json.loads(raw)
                if status not in RETRY_STATUSES:
                    self.answers[str(status)] += 1
                    if status in KEPT_STATUSES:
                        self.lasting.append(Lasting(path, params, key, status, raw))
                    return status, body
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                status = 0
                self.answers["connection lost"] += 1
            if loop.time() > end:
                self.answers["gave up"] += 1
                return status, body
            if status:
                self.answers[f"{status} {body.get('error', {}).get('code')}"] += 1
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 2)

    async def get(self, path: str) -> dict[str, Any]:
        """A read, tried until it is answered."""
        for _ in range(200):
            try:
                async with self.session.get(self.api + path) as answer:
                    body = await answer.json()
                    if answer.status == 200:
                        return body
                    if answer.status not in RETRY_STATUSES:
                        raise AssertionError(f"GET {path}: {answer.status} {body}")
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                pass
            await asyncio.sleep(0.2)
        raise AssertionError(f"GET {path} was never answered")

    async def one_customer(self) -> None:
        """One shopper's story, or now and then an errand."""
        if self.dice.random() < ERRANDS_SHARE:
            return await self.dice.choice(ERRANDS)(self)
        amount = self.dice.randrange(100, 90_000)
        manual = self.dice.random() < 0.4
        params = {
            "amount": amount,
            "currency": self.dice.choice(["usd", "eur"]),
            "confirm": "true",
            "metadata[order]": new_id("order"),
            "payment_method": self.dice.choice(["pm_card_visa", "pm_card_mastercard", "pm_card_visa"]),
        }
        if manual:
            params["capture_method"] = "manual"
        if self.dice.random() < 0.1:
            params["payment_method"] = "pm_card_chargeDeclined"
        status, body = await self.post("/v1/payment_intents", params)
        if status == 402:
            return
        if status != 200:
            self._surprise("create", status, body)
            return
        intent = body["id"]
        self._remember("payment_intent", body)
        if body["status"] == "requires_capture":
            if self.dice.random() < 0.3:
                await self.then(f"/v1/payment_intents/{intent}/cancel", {}, "payment_intent")
                return
            take = self.dice.randrange(50, amount) if amount > 200 and self.dice.random() < 0.5 else amount
            body = await self.then(
                f"/v1/payment_intents/{intent}/capture", {"amount_to_capture": take}, "payment_intent"
            )
        if body and body.get("status") == "succeeded" and self.dice.random() < 0.4:
            back = self.dice.randrange(1, body["amount_received"] + 1)
            await self.then("/v1/refunds", {"payment_intent": intent, "amount": back}, "refund")

    async def keep_going(self, over: Callable[[], bool], *, customers: int) -> None:
        """``customers`` at a time, until it is ``over``."""

        async def one_after_another() -> None:
            while not over():
                await self.one_customer()

        await asyncio.gather(*(one_after_another() for _ in range(customers)))

    async def read_again(self) -> None:
        """Read everything that was acknowledged, and ask for a part of it again under the same keys."""
        for said in self.acknowledged:
            self.stands[said.id] = await self.get(f"/v1/{READ[said.kind]}/{said.id}")
        for lasting in self.lasting[:: max(1, len(self.lasting) // REPLAYS)]:
            status, raw = await self._ask(lasting.path, lasting.params, lasting.key)
            self.replayed += 1
            if (status, raw) != (lasting.status, lasting.body):
                self.changed_answers.append(
                    f"{lasting.path}: {lasting.status} {lasting.body!r} became {status} {raw!r}"
                )

    def broken(self) -> list[str]:
        """What Lockgate once said and no longer stands by."""
        broken = []
        for said in self.acknowledged:
            now = word(self.stands[said.id])
            if now not in ENDS[said.kind].get(said.status, {said.status}):
                broken.append(f"{said.id} was {said.status}, is {now}")
        return broken

    async def _ask(self, path: str, params: Mapping[str, Any], key: str) -> tuple[int, bytes]:
        headers = {"Idempotency-Key": key, "Content-Type": "application/x-www-form-urlencoded"}
        async with self.session.post(self.api + path, data=urlencode(params), headers=headers) as answer:
            return answer.status, await answer.read()

    async def then(
        self, path: str, params: Mapping[str, Any], kind: str, *, refusals: Collection[str] = ()
    ) -> dict[str, Any]:
        """Ask, remember what was answered, and return it; empty for an expected refusal and for a surprise."""
        status, body = await self.post(path, params)
        if status == 200:
            self._remember(kind, body)
            return body
        if body.get("error", {}).get("code") not in refusals:
            self._surprise(path, status, body)
        return {}

    async def pause(self, seconds: float) -> None:
        """The shop waits."""
        await asyncio.sleep(seconds)

    def _remember(self, kind: str, body: Mapping[str, Any]) -> None:
        self.acknowledged.append(Acknowledged(kind, body["id"], word(body)))

    def _surprise(self, what: str, status: int, body: Mapping[str, Any]) -> None:
        """No answer within a minute is a surprise, and so is a refusal for what an earlier try under the key did."""
        self.surprises.append(f"{what}: {status} {body}")
