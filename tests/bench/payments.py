"""``make bench``: payments a second, tails, CPU and bytes per payment of a started Lockgate, beside a peer."""

import argparse
import http.server
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import stripe

from tests.bench.risking import bench_risking
from tests.bench.sealing import bench_sealing
from tests.support.running import Running, discard, start_lockgate

ROOT = Path(__file__).resolve().parents[2]
PEER = ROOT / ".tools" / "localstripe" / "bin" / "localstripe"
CONNECTIONS = (1, 8, 32)
PEER_COUNT = 300  # the peer slows down with every payment that it keeps in memory


def tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_s(pids: Mapping[str, int]) -> dict[str, float]:
    """User and system seconds by program; ended children (PostgreSQL's backends) count with their parent."""
    spent = {}
    for name, pid in pids.items():
        total = 0.0
        for process in tree(pid):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
            total += times.children_user + times.children_system
        spent[name] = total
    return spent


def memory_mib(pids: Mapping[str, int]) -> dict[str, float]:
    """Proportional set size by program: shared pages are counted once."""
    sizes = {}
    for name, pid in pids.items():
        total = 0
        for process in tree(pid):
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        sizes[name] = total / 2**20
    return sizes


def load(url: str, key: str, ca: str | None, bodies: list[tuple[str, str]], **options: Any) -> dict[str, Any]:
    words = [sys.executable, "-m", "tests.bench.load", "--url", url, "--key", key]
    words += ["--ca", ca] if ca else []
    for name, value in options.items():
        words += [f"--{name}", str(value)]
    done = subprocess.run(words, input=json.dumps(bodies), capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"the load generator failed:\n{done.stderr}")
    if done.stderr:
        print(done.stderr.strip()[:600], file=sys.stderr)
    return json.loads(done.stdout)


def measured(
    pids: Mapping[str, int], run: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, float]]:
    before = cpu_s(pids)
    result = run()
    time.sleep(0.5)  # the worker's share of these payments belongs to them
    after = cpu_s(pids)
    per = {name: 1000 * (after[name] - before[name]) / max(1, result["done"]) for name in pids}
    return result, per


def row(label: str, result: Mapping[str, Any], per: Mapping[str, float]) -> None:
    ours = {name: ms for name, ms in per.items() if name != "simulator"}
    shares = "  ".join(f"{name} {ms:.2f}" for name, ms in per.items())
    print(
        f"{label:<34}{result['per_second']:>8.0f}/s  p50 {result['p50_ms']:>7.1f} ms  p99 {result['p99_ms']:>7.1f} ms  "
        f"CPU {sum(ours.values()):>5.2f} ms a payment  ({shares})  {result['statuses']}"
    )


def saved_card(running: Running) -> tuple[str, str]:
    stripe.api_base, stripe.api_key = running["api"], running["secret_key"]
    stripe.ca_bundle_path = running["ca_file"]
    stripe.verify_ssl_certs = True
    customer = stripe.Customer.create(email="bench@example.com")
    method = stripe.PaymentMethod.attach("pm_card_visa", customer=customer.id)
    return customer.id, method.id


def stored_bytes(running: Running) -> int:
    return sum(file.stat().st_size for file in (running.home / "pgdata" / "base").rglob("*") if file.is_file())


def bench_pairs(running: Running, pids: Mapping[str, int], *, customer: str, method: str, count: int) -> None:
    """Two requests a payment: create, then confirm."""
    pair = [
        ("/v1/payment_intents", f"amount=2000&currency=usd&customer={customer}"),
        ("/v1/payment_intents/{id}/confirm", f"payment_method={method}"),
    ]
    result, per = measured(
        pids,
        lambda: load(running["api"], running["secret_key"], running["ca_file"], pair, connections=8, count=count),
    )
    row("create, then confirm, 8 connections", result, per)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Counts what it is sent and says thank you."""

    received = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).received += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def bench_webhooks(running: Running, pids: Mapping[str, int], one: list[tuple[str, str]], *, count: int) -> None:
    """What one delivered webhook costs, over the same payments without an endpoint in the same minute."""
    def pay() -> dict[str, Any]:
        return load(running["api"], running["secret_key"], running["ca_file"], one, connections=8, count=count)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _, without = measured(pids, pay)
    endpoint = stripe.WebhookEndpoint.create(
        url=f"http://127.0.0.1:{server.server_port}/", enabled_events=["payment_intent.succeeded"]
    )

    def pay_and_wait() -> dict[str, Any]:
        result = pay()
        end = time.monotonic() + 120
        while Receiver.received < count and time.monotonic() < end:
            time.sleep(0.1)
        return result

    _, with_ = measured(pids, pay_and_wait)
    stripe.WebhookEndpoint.delete(endpoint.id)
    server.shutdown()
    extra = sum(ms for name, ms in with_.items() if name != "simulator") - sum(
        ms for name, ms in without.items() if name != "simulator"
    )
    print(f"webhooks: {Receiver.received} of {count} delivered, {extra:.2f} ms CPU each with its connection")


def start_peer() -> tuple[subprocess.Popen[bytes], str] | None:
    if not PEER.exists():
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="peer-")
    process = subprocess.Popen(
        [str(PEER), "--port", str(port), "--from-scratch"], cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return process, f"http://127.0.0.1:{port}"
        except OSError:
            time.sleep(0.1)
    process.kill()
    shutil.rmtree(folder, ignore_errors=True)
    return None


def bench_peer(count: int) -> None:
    started = start_peer()
    if started is None:
        print("localstripe is not installed: no peer in this run")
        return
    process, url = started
    try:
        form = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2030",
                "card[cvc]": "123"}
        method = peer_post(url, "/v1/payment_methods", form)["id"]
        bodies = [("/v1/payment_intents", f"amount=2000&currency=usd&payment_method={method}&confirm=true")]
        for connections in CONNECTIONS:
            result, per = measured(
                {"localstripe": process.pid},
                lambda n=connections: load(url, "sk_test_12345", None, bodies, connections=n, count=count),
            )
            row(f"localstripe, {connections} connections", result, per)
        print("(localstripe keeps everything in memory, without TLS, processor, books or durability)")
    finally:
        process.kill()
        process.wait()


def peer_post(url: str, path: str, form: Mapping[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(url + path, urllib.parse.urlencode(form).encode())
    request.add_header("Authorization", "Bearer sk_test_12345")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1500, help="payments in each row")
    parser.add_argument("--long", action="store_true", help="a hundred thousand payments: does the rate hold?")
    options = parser.parse_args()
    running = start_lockgate(options=("--allow-private-webhooks",))
    try:
        customer, method = saved_card(running)
        pids = {name: int(pid) for name, pid in running["pids"].items() if name != "supervisor"}
        one = [("/v1/payment_intents",
                f"amount=2000&currency=usd&customer={customer}&payment_method={method}&confirm=true&off_session=true")]
        load(running["api"], running["secret_key"], running["ca_file"], one, connections=8, count=300)
        if options.long:
            long_run(running, pids, one)
            return
        before = stored_bytes(running)
        total = 0
        for connections in CONNECTIONS:
            result, per = measured(
                pids,
                lambda n=connections: load(
                    running["api"], running["secret_key"], running["ca_file"], one, connections=n, count=options.count
                ),
            )
            total += result["done"]
            row(f"Lockgate, {connections} connections", result, per)
        print(f"bytes stored per payment: {(stored_bytes(running) - before) / total:.0f}")
        bench_pairs(running, pids, customer=customer, method=method, count=options.count // 2)
        bench_sealing(
            running, pids,
            pay=lambda: load(
                running["api"], running["secret_key"], running["ca_file"], one, connections=8, count=options.count // 2
            ),
            measured=measured,
        )
        bench_risking(running, pids, cpu_s=cpu_s, count=options.count // 3)
        bench_webhooks(running, pids, one, count=options.count // 3)
        print("memory (MiB, PSS): " + "  ".join(f"{n} {s:.0f}" for n, s in memory_mib(pids).items()))
        bench_peer(min(options.count, PEER_COUNT))
    finally:
        discard(running)


def long_run(running: Running, pids: Mapping[str, int], bodies: list[tuple[str, str]]) -> None:
    for portion in range(10):
        result, per = measured(
            pids,
            lambda: load(
                running["api"], running["secret_key"], running["ca_file"], bodies, connections=16, count=10_000
            ),
        )
        row(f"payments to {(portion + 1) * 10_000:,}", result, per)


if __name__ == "__main__":
    main()
