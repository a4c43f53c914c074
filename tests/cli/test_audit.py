"""``lockgate audit`` on a started Lockgate: sealed by the worker, verified, exported, proven; and a vandal found."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.support.cluster import run_apart
from tests.support.door import Client
from tests.support.running import Running, discard, start_lockgate

VERIFIER = Path(__file__).resolve().parents[2] / "tools" / "verify_audit.py"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    try:
        yield started
    finally:
        discard(started)


def pay(running: Running, count: int = 1) -> None:
    client = Client(running["api"], running["ca_file"], running["secret_key"])
    for _ in range(count):
        reply = client.post(
            "/v1/payment_intents",
            {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true",
             "return_url": "https://shop.test/"},
        )  # fmt: skip
        assert reply.status == 200, reply.text
    client.close()


def as_owner(running: Running, statement: str) -> list[asyncpg.Record]:
    async def run() -> list[asyncpg.Record]:
        settings = running.settings()["database"]
        connection = await asyncpg.connect(
            host=settings["host"], port=settings["port"], database=settings["name"], user="lockgate_owner",
            password=running.secrets("owner")["database_password"],
        )
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    return run_apart(run())


def wait_sealed(running: Running) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        [row] = as_owner(
            running, "select (select count(*) from gateway.audit) as a, (select count(*) from gateway.audit_seal) as s"
        )
        if row["a"] == row["s"] > 0:
            return
        time.sleep(0.2)
    raise AssertionError(f"not sealed in time\n{running.tail()}")


def test_the_worker_seals_by_itself_and_all_is_well(running: Running) -> None:
    pay(running)
    wait_sealed(running)
    done = running.command("audit", "verify")
    assert "as they were sealed" in done.stdout
    assert "I7   holds" in running.command("verify").stdout


def test_a_killed_worker_goes_on_where_it_stopped(running: Running) -> None:
    for _ in range(3):
        pay(running, 2)
        old = running.kill("worker")
        running.wait_restarted("worker", old)
    wait_sealed(running)
    running.command("audit", "checkpoint")
    assert "as they were sealed" in running.command("audit", "verify").stdout


def test_an_export_and_proofs_stand_alone(running: Running, tmp_path: Path) -> None:
    pay(running)
    key = running.command("audit", "key").stdout.strip()
    assert key.startswith(f"lockgate/{running['account']}+")
    kept = tmp_path / "kept"
    kept.write_text(running.command("audit", "checkpoint").stdout)
    size = kept.read_text().splitlines()[1]
    pay(running)
    out = tmp_path / "export.jsonl"
    assert "records to" in running.command("audit", "export", "--out", str(out)).stdout
    done = running.command("audit", "verify", "--export", str(out), "--key", key, "--checkpoint", str(kept))
    assert "as they were sealed" in done.stdout
    record = json.loads(out.read_text().splitlines()[5])["columns"]["id"]
    files = {"inclusion": ("prove", record), "consistency": ("prove", "--from", size)}
    for name, words in files.items():
        (tmp_path / name).write_text(running.command("audit", *words).stdout)
    for name in ("export.jsonl", *files):
        alone = subprocess.run(
            [sys.executable, "-I", str(VERIFIER), str(tmp_path / name), "--key", key],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert alone.returncode == 0, alone.stdout + alone.stderr
    table = tmp_path / "export.csv"
    running.command("audit", "export", "--format", "csv", "--since", "2020-01-01", "--out", str(table))
    assert f"lockgate/{running['account']}/export" in (tmp_path / "export.csv.note").read_text()
    refused = running.command("audit", "export", "--out", str(table), check=False)
    assert refused.returncode == 1 and "exists already" in refused.stderr
    refused = running.command("audit", "export", "--since", "yesterday", "--out", str(tmp_path / "x"), check=False)
    assert refused.returncode == 1 and "--since" in refused.stderr
    [told] = as_owner(running, "select count(*) from gateway.audit where action in ('audit.export', 'audit.read')")
    assert told["count"] >= 4


def test_a_vandal_is_found_and_named(running: Running) -> None:
    wait_sealed(running)
    [row] = as_owner(running, "select id from gateway.audit where action = 'payment_intent.confirm' limit 1")
    as_owner(running, f"update gateway.audit set outcome = 'refused' where id = '{row['id']}'")
    done = running.command("audit", "verify", check=False)
    assert done.returncode == 1
    assert f"edited: {row['id']}" in done.stdout and "1 fault in the audit log" in done.stderr
    checked = running.command("verify", check=False)
    assert checked.returncode == 1 and "I7   BROKEN" in checked.stdout and row["id"] in checked.stdout
