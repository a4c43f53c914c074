"""Live card numbers are in the vault alone: markers go every way in, through faults and deaths, then are looked for."""

import http.client
import json
import os
import random
import shutil
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest

from lockgate.kernel.ids import new_id
from lockgate.kernel.testcards import script_of, synthetic
from tests.support.door import Client, Reply
from tests.support.running import Running, discard, start_lockgate
from tests.support.scan import Hit, Scanner
from tests.support.sealer import Sealer, verified
from tests.sweeps.conftest import Place

PAYMENTS = 150
FAULTS = ("reset_after", "garbage", "http_500", "reset_before", "truncated", "wrong_types", "decline")
BUSY = {409, 429, 500, 502, 503}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="reading another process's memory needs root")


@dataclass
class Load:
    """What was sent, and what came back. ``sealed`` never stood in a request in clear; ``raw`` did, and was refused."""

    running: Running
    dice: random.Random
    sealer: Sealer
    sealed: list[str] = field(default_factory=list, repr=False)
    codes: list[str] = field(default_factory=list, repr=False)
    raw: list[str] = field(default_factory=list, repr=False)
    raw_codes: list[str] = field(default_factory=list, repr=False)
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def place(self) -> Place:
        return Place(self.running)

    def card(self, *, raw: bool = False) -> dict[str, Any]:
        """A new marker: a number and a code that no other card of this run has."""
        numbers, codes = (self.raw, self.raw_codes) if raw else (self.sealed, self.codes)
        number = ordinary(self.dice)
        code = f"{self.dice.randrange(1000):03d}"
        numbers.append(number)
        codes.append(code)
        return {"number": number, "exp_month": self.dice.randrange(1, 13), "exp_year": 2035, "cvc": code}

    def seal(self, intent: str | None = None) -> str:
        seal = self.dice.choice([self.sealer.jwe, self.sealer.hpke])
        return seal(self.card(), intent)

    def client(self, key: str) -> Client:
        return self.place.client(self.running[key])

    def send(self, client: Client, path: str, params: dict[str, Any]) -> Reply:
        """One logical request: again with the same idempotency key while a program is down."""
        end = time.monotonic() + 90
        headers = {"Idempotency-Key": new_id("k")}
        while True:
            try:
                reply = client.post(path, params, headers=headers)
            except (OSError, http.client.HTTPException):
                self.answers["line lost"] += 1
                reply = None
            if reply is not None:
                self.answers[f"{reply.status} {_word(reply)}"] += 1
                self._expect_no_marker(reply)
                if reply.status not in BUSY:
                    return reply
            assert time.monotonic() < end, f"{path} was never answered: {self.answers}"
            time.sleep(0.2)

    def _expect_no_marker(self, reply: Reply) -> None:
        for number in (*self.sealed[-3:], *self.raw[-3:]):
            assert number not in reply.text, "an answer holds a card number"

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """The simulator's admin interface: to order faults."""
        token = self.running.secrets("owner")["admin_token"]
        request = Request(
            self.running["simulator"] + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urlopen(request, context=ssl.create_default_context(cafile=self.running["ca_file"])) as answer:
            return json.load(answer)

    def pay(self, count: int) -> None:
        """``count`` payments, each another way in."""
        secret, publishable = self.client("live_secret_key"), self.client("live_publishable_key")
        ways = (self._in_one, self._by_browser, self._by_method, self._saved, self._manual)
        for number in range(count):
            ways[number % len(ways)](secret, publishable)

    def _in_one(self, secret: Client, _publishable: Client) -> None:
        self.send(secret, "/v1/payment_intents", {
            "amount": 1000 + self.dice.randrange(9000), "currency": "usd", "confirm": "true",
            "payment_method_data[type]": "card", "payment_method_data[card][sealed]": self.seal(),
        })

    def _by_browser(self, secret: Client, publishable: Client) -> None:
        intent = self.send(secret, "/v1/payment_intents", {"amount": 1500, "currency": "usd"}).json
        self.send(publishable, f"/v1/payment_intents/{intent['id']}/confirm", {
            "client_secret": intent["client_secret"], "payment_method_data[type]": "card",
            "payment_method_data[card][sealed]": self.seal(intent["id"]),
        })

    def _by_method(self, secret: Client, publishable: Client) -> None:
        made = self.send(publishable, "/v1/payment_methods", {"type": "card", "card[sealed]": self.seal()})
        assert made.status == 200, made.text
        assert made.json["card"]["last4"] == self.sealed[-1][-4:]
        self.send(secret, "/v1/payment_intents", {
            "amount": 2500, "currency": "eur", "confirm": "true", "payment_method": made.json["id"],
        })

    def _saved(self, secret: Client, _publishable: Client) -> None:
        customer = self.send(secret, "/v1/customers", {"name": "Ada"}).json["id"]
        saved = self.send(secret, "/v1/setup_intents", {
            "customer": customer, "confirm": "true", "payment_method_data[type]": "card",
            "payment_method_data[card][sealed]": self.seal(), "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
        }).json
        if saved.get("status") == "succeeded":
            self.send(secret, "/v1/payment_intents", {
                "amount": 3500, "currency": "usd", "confirm": "true", "off_session": "true", "customer": customer,
                "payment_method": saved["payment_method"],
            })

    def _manual(self, secret: Client, _publishable: Client) -> None:
        intent = self.send(secret, "/v1/payment_intents", {
            "amount": 4500, "currency": "usd", "confirm": "true", "capture_method": "manual",
            "payment_method_data[type]": "card", "payment_method_data[card][sealed]": self.seal(),
        }).json
        if intent.get("status") == "requires_capture":
            self.send(secret, f"/v1/payment_intents/{intent['id']}/capture", {"amount_to_capture": 4000})
            self.send(secret, "/v1/refunds", {"payment_intent": intent["id"], "amount": 100})

    def blunder(self) -> None:
        """Card numbers in clear, where a hasty shop might put them: each is refused, and comes back nowhere."""
        for key in ("live_secret_key", "live_publishable_key"):
            client = self.client(key)
            card = self.card(raw=True)
            fields = {f"payment_method_data[card][{name}]": value for name, value in card.items()}
            reply = client.post("/v1/payment_methods", {
                "type": "card", **{name.replace("payment_method_data[card]", "card"): v for name, v in fields.items()},
            })
            assert (reply.status, reply.error["param"]) == (400, "card[number]"), reply.text
            self._expect_no_marker(reply)
        client = self.client("live_secret_key")
        intent = {"amount": 900, "currency": "usd"}
        typed = {**intent, "payment_method_data[type]": "card"}
        for params in (
            {**intent, "confirm": "true", "payment_method_data[type]": "card", **fields},
            {**intent, "payment_method_data[card][number]": self._number(), "payment_method_data[type]": "card"},
            {**intent, "payment_method": self._number()},
            {**intent, "customer": self._number()},
            {**intent, self._number(): "1"},
            {**intent, f"metadata[{self._number()}][x]": "1"},
            {"amount": self._number(), "currency": "usd"},
            {**typed, "payment_method_data[card][sealed]": f"{self._number()}.a.b"},
            {**typed, "payment_method_data[card][token]": self._number()},
        ):
            reply = client.post("/v1/payment_intents", params)
            assert reply.status in (400, 404), (sorted(params), reply.text)
            self._expect_no_marker(reply)
        for path in (
            "/v1/payment_intents/{}", "/v1/customers/{}", "/{}", "/v1/charges?starting_after={}", "/v1/charges?{}=1",
        ):
            reply = client.get(path.format(self._number()))
            assert reply.status in (400, 404), (path, reply.text)
            self._expect_no_marker(reply)
        reply = client.get("/v1/balance", headers={"Authorization": f"Bearer sk_live_{self._number()}"})
        assert reply.status == 401
        client.get("/v1/balance", headers={"User-Agent": f"shop/{self._number()}", "X-Card": self._number()})
        for header in ("Idempotency-Key", "Stripe-Version", "Stripe-Account"):
            reply = client.post("/v1/customers", {"amount": "x"}, headers={header: self._number()})
            self._expect_no_header(reply, header)
        for path, params in (
            ("/v1/customers", {"metadata[card]": self._number()}),
            ("/v1/customers", {"description": f"card {self._number()}"}),
            ("/v1/payment_intents", {**intent, "metadata[card]": self._number()}),
            ("/v1/payment_intents", {**intent, "description": " ".join(_groups(self._number()))}),
        ):
            reply = client.post(path, params)
            assert reply.status == 400, f"{sorted(params)} took a card number: {reply.text}"
            self._expect_no_marker(reply)

    def _number(self) -> str:
        return self.card(raw=True)["number"]

    def _expect_no_header(self, reply: Reply, name: str) -> None:
        self._expect_no_marker(reply)
        if name != "Idempotency-Key":
            assert self.raw[-1] not in str(reply.headers)


def _word(reply: Reply) -> Any:
    body = reply.json
    return body["error"].get("code") if "error" in body else body.get("status", body["object"])


def ordinary(dice: random.Random) -> str:
    """A synthetic number that pays: not one of the hundredth of them that does what a published card does."""
    while script_of(number := synthetic(dice.randrange(10**9))) is not None:
        pass
    return number


def _groups(number: str) -> list[str]:
    return [number[i : i + 4] for i in range(0, 16, 4)]


@pytest.fixture(scope="module")
def load() -> Iterator[Load]:
    """A Lockgate of its own, because its programs are killed, with all payments made and settled."""
    seed = int(os.environ.get("SWEEP_SEED", random.SystemRandom().randrange(10**9)))
    print(f"SWEEP_SEED={seed}")
    running = start_lockgate()
    try:
        with urlopen(
            running["cards"] + "/keys", context=ssl.create_default_context(cafile=running["ca_file"])
        ) as answer:
            keys = verified(json.load(answer), running["seal_verify_key"])
        made = Load(running, random.Random(seed), Sealer(keys, running["account"]))
        made.pay(PAYMENTS // 3)
        assert not [name for name in made.answers if not name.startswith("200")], made.answers
        made.admin("POST", "/admin/faults", [{"fault": fault, "times": 3} for fault in FAULTS])
        made.pay(PAYMENTS // 6)
        made.blunder()
        made.admin("DELETE", "/admin/faults")
        for program in ("vault", "gateway"):
            died = running.kill(program)
            made.pay(PAYMENTS // 12)
            running.wait_restarted(program, died)
        made.pay(PAYMENTS - len(made.sealed))
        made.blunder()
        running.refresh()
        print(f"{len(made.sealed)} sealed cards, {len(made.raw)} in clear; {dict(made.answers)}")
        yield made
    finally:
        discard(running)


@pytest.mark.slow
def test_the_load_was_a_real_one(load: Load) -> None:
    """A sweep after nothing proves nothing."""
    succeeded = load.answers["200 succeeded"]
    assert len(load.sealed) >= PAYMENTS and succeeded >= PAYMENTS // 2, load.answers
    assert any(name.startswith("402") for name in load.answers), "no decline was among them"
    assert load.answers["200 processing"], "no doubt was among them"
    entries = load.admin("GET", f"/admin/journal?account={load.running['account']}:live")["entries"]
    rows = load.place.fetch("select count(*) as n from gateway.payment_intent where livemode")
    assert rows[0]["n"] >= PAYMENTS * 3 // 5
    assert entries or load.admin("GET", "/admin/journal")["entries"]


@pytest.mark.slow
def test_no_number_or_code_is_in_any_file(load: Load) -> None:
    """Database files, write-ahead log, logs, the simulator's journal, settings, secrets, sockets' folder: all of it."""
    numbers = [*load.sealed, *load.raw]
    hits = Scanner(numbers, [*load.codes, *load.raw_codes]).in_tree(load.running.home)
    hits += Scanner(numbers).in_file(load.running.log)
    assert not hits, _places(hits)


@pytest.mark.slow
@needs_root
def test_no_sealed_number_is_in_the_gateways_or_workers_memory(load: Load) -> None:
    pids = load.running.refresh()["pids"]
    scanner = Scanner(load.sealed, [code for code in load.codes if code not in load.raw_codes])
    for program in ("gateway", "worker"):
        hits = scanner.in_memory(pids[program])
        assert not hits, f"{program}: {_places(hits)}"


@pytest.mark.slow
@needs_root
def test_what_memory_may_hold_is_bounded(load: Load) -> None:
    """Numbers sent in clear pass through the gateway's buffers, and the vault works on numbers; neither hoards."""
    pids = load.running.refresh()["pids"]
    passed = {hit.marker for hit in Scanner(load.raw).in_memory(pids["gateway"])}
    held = {hit.marker for hit in Scanner(load.sealed).in_memory(pids["vault"])}
    print(f"held: {len(passed)}/{len(load.raw)} refused by the gateway, {len(held)}/{len(load.sealed)} by the vault")
    assert len(passed) <= len(load.raw) // 2, "the gateway keeps numbers that it refused"
    assert len(held) <= len(load.sealed) // 2, "the vault keeps numbers it is done with"


@pytest.mark.slow
def test_a_planted_number_is_found_in_a_copy(load: Load, tmp_path: Path) -> None:
    """The sweep would have seen it: the same scanner over a copy of the home in which one number stands."""
    planted, code = ordinary(load.dice), "907"
    for name in ("logs", "simulator", "pgdata/base"):
        shutil.copytree(load.running.home / name, tmp_path / "home" / name)
    scanner = Scanner([planted], [code])
    assert not scanner.in_tree(tmp_path / "home")
    for name in ("logs/gateway.log", "simulator/journal.jsonl"):
        with (tmp_path / "home" / name).open("a") as file:
            file.write(json.dumps({"card": {"number": planted, "cvc": code}}, separators=(",", ":")))
    found = scanner.in_tree(tmp_path / "home")
    assert {Path(hit.place).name for hit in found} == {"gateway.log", "journal.jsonl"}
    assert {hit.encoding for hit in found} >= {"ascii", "cvc json"}


@pytest.mark.slow
def test_a_number_in_a_table_is_found(load: Load) -> None:
    """Written and deleted at once, it still lies in the write-ahead log: that is why numbers are sealed before SQL."""
    planted = ordinary(load.dice)
    scanner = Scanner([planted])
    assert not scanner.in_tree(load.running.home)
    load.place.fetch("create table public.planted (note text)")
    load.place.fetch("insert into public.planted values ($1)", planted)
    load.place.fetch("delete from public.planted")
    load.place.fetch("drop table public.planted")
    load.place.fetch("checkpoint")
    assert any("pg_wal" in hit.place for hit in scanner.in_tree(load.running.home))


@pytest.mark.slow
@needs_root
def test_a_number_in_the_gateways_memory_is_found(load: Load) -> None:
    """A request that is not yet whole lies in the gateway's buffers: the scanner sees it there."""
    planted = ordinary(load.dice)
    pid = load.running.refresh()["pids"]["gateway"]
    assert not Scanner([planted]).in_memory(pid)
    target = urlsplit(load.running["api"])
    context = ssl.create_default_context(cafile=load.running["ca_file"])
    body = urlencode({"card[number]": planted})
    with (
        socket.create_connection((target.hostname, target.port)) as plain,
        context.wrap_socket(plain, server_hostname=target.hostname) as line,
    ):
        line.sendall(
            b"POST /v1/payment_methods HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body.encode()
        )
        time.sleep(0.5)
        assert Scanner([planted]).in_memory(pid)


def _places(hits: list[Hit]) -> str:
    return "\n".join(f"{count} x {what}" for what, count in Counter(
        f"{hit.encoding} in {hit.place}" for hit in hits
    ).most_common(40))
