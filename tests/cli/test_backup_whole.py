"""A whole Lockgate comes back on a new home: its payments can be refunded, its books hold, its own keys still work."""

import contextlib
import json
import os
import shutil
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockgate.cli.welcome import PAYMENT
from lockgate.kernel.config import Home
from tests.cli.standing import connect
from tests.support.cluster import run_apart
from tests.support.running import Running, discard, start_lockgate

PASSPHRASE = "a long enough passphrase"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    yield started
    discard(started)


def _ask(running: Running, path: str, fields: dict[str, str] | None = None, *, key: str | None = None) -> Any:
    tls = ssl.create_default_context(cafile=running["ca_file"])
    body = urllib.parse.urlencode(fields).encode() if fields is not None else None
    request = urllib.request.Request(f"{running['api']}{path}", data=body)
    request.add_header("Authorization", "Basic " + b64encode(f"{key or running['secret_key']}:".encode()).decode())
    with urllib.request.urlopen(request, context=tls, timeout=30) as answer:
        return json.load(answer)


def _command(running: Running, *words: str, passphrase: str | None = None) -> str:
    if passphrase is None:
        return running.command(*words).stdout
    reading, writing = os.pipe()
    os.write(writing, passphrase.encode())
    os.close(writing)
    try:
        return running.command(*words, "--passphrase-fd", str(reading), pass_fds=[reading]).stdout
    finally:
        os.close(reading)


async def _transfers(home: Home) -> list[tuple[Any, ...]]:
    connection = await connect(home, "reporting")
    try:
        return [tuple(row) for row in await connection.fetch("SELECT * FROM gateway.transfer ORDER BY account, id")]
    finally:
        await connection.close()


def test_a_backed_up_lockgate_goes_on_elsewhere(running: Running) -> None:
    place = running.home.parent
    customer = _ask(running, "/v1/customers", {"email": "ada@example.com"})["id"]
    erased = _ask(running, "/v1/customers", {"email": "gone@example.com"})["id"]
    payments = [_ask(running, "/v1/payment_intents", {**PAYMENT, "customer": customer}) for _ in range(3)]
    assert {payment["status"] for payment in payments} == {"succeeded"}
    other = _command(running, "accounts", "create", "--name", "Second shop").strip()
    made = _command(running, "keys", "create", "--account", other)
    second_key = next(word for word in made.split() if word.startswith("sk_test_"))
    assert _ask(running, "/v1/payment_intents", dict(PAYMENT), key=second_key)["status"] == "succeeded"

    said = _command(running, "erase", erased, "--yes")
    assert "destroyed 1 keys of personal data" in said
    assert "version 2" in _command(running, "keyring", "rotate", "--account", running["account"])
    assert "keys under older ones" in _command(running, "keyring", "status")
    assert "moved" in _command(running, "keyring", "rewrap")
    assert f"{running['account']}: version 2, 0 keys" in _command(running, "keyring", "status")

    _command(running, "backup", "--export-keys", str(place / "export.json"), passphrase=PASSPHRASE)
    (place / "backups").mkdir()
    _command(running, "backup", "--to", str(place / "backups"), "--key-file", str(place / "keys" / "backup.json"))
    [file] = (place / "backups").iterdir()
    books = run_apart(_transfers(Home(running.home)))
    verify_key = running["seal_verify_key"]
    assert running.stop() == 0
    shutil.rmtree(running.home)

    said = _command(
        running, "restore", "--from", str(file), "--key-file", str(place / "keys" / "backup.json"),
        "--keys", str(place / "export.json"), passphrase=PASSPHRASE,
    )  # fmt: skip
    assert "0 attempts without an outcome" in said
    again = start_lockgate(Path(place))
    running.process, running.ready = again.process, again.ready
    assert run_apart(_transfers(Home(running.home)))[: len(books)] == books
    assert running["seal_verify_key"] == verify_key
    assert _ask(running, f"/v1/customers/{customer}")["email"] == "ada@example.com"
    assert _ask(running, f"/v1/customers/{erased}")["email"] is None
    refund = _ask(running, "/v1/refunds", {"payment_intent": payments[0]["id"]})
    assert refund["status"] == "succeeded"
    assert _ask(running, "/v1/payment_intents", dict(PAYMENT))["status"] == "succeeded"
    assert _ask(running, "/v1/payment_intents", dict(PAYMENT), key=second_key)["status"] == "succeeded"
    assert "BROKEN" not in _command(running, "verify")


def test_a_backup_taken_under_load_restores_to_books_that_hold(running: Running) -> None:
    place, stop, paid = running.home.parent, threading.Event(), []

    def pay() -> None:
        while not stop.is_set():
            with contextlib.suppress(urllib.error.URLError):
                paid.append(_ask(running, "/v1/payment_intents", dict(PAYMENT))["id"])

    (place / "loaded").mkdir()
    payers = [threading.Thread(target=pay) for _ in range(3)]
    for payer in payers:
        payer.start()
    try:
        while len(paid) < 20:
            time.sleep(0.05)
        known = list(paid)
        _command(running, "backup", "--to", str(place / "loaded"), "--key-file", str(place / "keys" / "loaded.json"))
        assert len(paid) > len(known), "payments went on while it was copied"
    finally:
        stop.set()
        for payer in payers:
            payer.join()
    [file] = (place / "loaded").iterdir()
    assert running.stop() == 0
    shutil.move(running.home, place / "old")
    _command(
        running, "restore", "--from", str(file), "--key-file", str(place / "keys" / "loaded.json"),
        "--secrets", str(place / "old" / "secrets"),
    )  # fmt: skip
    again = start_lockgate(Path(place))
    running.process, running.ready = again.process, again.ready
    for name in known:
        assert _ask(running, f"/v1/payment_intents/{name}")["status"] == "succeeded"
    deadline = time.monotonic() + 90
    while run_apart(_open_attempts(Home(running.home))) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert run_apart(_open_attempts(Home(running.home))) == 0
    assert "BROKEN" not in _command(running, "verify")


async def _open_attempts(home: Home) -> int:
    connection = await connect(home, "reporting")
    try:
        return await connection.fetchval(
            "SELECT count(*) FROM gateway.attempt WHERE state IN ('open', 'unknown', 'pending')"
        )
    finally:
        await connection.close()
