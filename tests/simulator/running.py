"""Starts the real simulator program on loopback, and talks to it the way a merchant, a shopper and an admin do."""

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import trustme

KEY = "sim_key_for_the_tests_0001"
OTHER_KEY = "sim_key_for_the_tests_0002"
NEW_KEY = "sim_key_made_while_running_1"
SIGNING_KEYS = {key: f"signing_key_for_the_tests_{key[-4:]}" for key in (KEY, OTHER_KEY, NEW_KEY)}
NOTIFICATION_KEYS = {key: f"notification_key_for_tests_{key[-4:]}" for key in (KEY, OTHER_KEY, NEW_KEY)}
ADMIN = "admin_token_for_the_tests"
ACCOUNT = "acct_a:test"
START = "import sys; from pathlib import Path; from lockgate.kernel.config import Home; " \
    "from lockgate.simulator.server import run; run(Home(Path(sys.argv[1])))"


class RunningSimulator:
    """One home directory and, while started, one process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._session: aiohttp.ClientSession | None = None
        authority = trustme.CA()
        leaf = authority.issue_cert("127.0.0.1", "localhost")
        (home / "tls").mkdir(parents=True)
        (home / "secrets").mkdir()
        leaf.cert_chain_pems[0].write_to_path(home / "tls" / "simulator.pem")
        leaf.private_key_pem.write_to_path(home / "tls" / "simulator.key")
        settings = {"profile": "sandbox", "simulator": {"host": "127.0.0.1", "port": self.port, "url": self.url}}
        (home / "settings.json").write_text(json.dumps(settings))
        secrets = home / "secrets" / "simulator.json"
        secrets.write_text(
            json.dumps(
                {
                    "admin_token": ADMIN,
                    "api_keys": {
                        key: {
                            "label": label,
                            "signing_key": SIGNING_KEYS[key],
                            "notification_key": NOTIFICATION_KEYS[key],
                        }
                        for key, label in ((KEY, ACCOUNT), (OTHER_KEY, "acct_b:test"))
                    },
                }
            )
        )
        secrets.chmod(0o600)
        self.tls = ssl.create_default_context()
        authority.configure_trust(self.tls)

    @property
    def journal_file(self) -> Path:
        return self.home / "simulator" / "journal.jsonl"

    def start(self) -> None:
        """Start and wait until it says that it is ready; raises with its error output when it does not."""
        told, tell = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(self.home)],
            env={**os.environ, "LOCKGATE_READY_FD": str(tell)},
            pass_fds=[tell],
            stderr=subprocess.PIPE,
        )
        os.close(tell)
        with os.fdopen(told, "rb") as ready:
            if ready.read() != b"ready\n":
                raise AssertionError(f"the simulator did not start: {self.process.communicate(timeout=10)[1].decode()}")

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Send ``by``, wait, and return the exit code."""
        assert self.process is not None
        self.process.send_signal(by)
        self.process.communicate(timeout=20)
        return self.process.returncode

    def restart(self, by: signal.Signals = signal.SIGKILL) -> None:
        self.stop(by)
        self.start()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        if self.process is not None and self.process.poll() is None:
            self.stop()

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self.tls, force_close=True)  # restarts leave no stale ones
            self._session = aiohttp.ClientSession(self.url, connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def post(self, path: str, body: Any, *, key: str = KEY, timeout: float = 20) -> tuple[int, Any]:
        """POST JSON as the holder of ``key``, signed as it must be; returns status and parsed body."""
        raw = json.dumps(body).encode()
        return await self.post_raw(path, raw, headers=signed(raw, key), timeout=timeout)

    async def post_raw(
        self, path: str, body: bytes, *, headers: Mapping[str, str], timeout: float = 20
    ) -> tuple[int, Any]:
        """POST these very bytes under these very headers."""
        limit = aiohttp.ClientTimeout(total=timeout)
        async with self.session.post(path, data=body, headers=headers, timeout=limit) as answer:
            return answer.status, await answer.json()

    async def ask(self, path: str, **body: Any) -> dict[str, Any]:
        """POST that must be answered with 200."""
        status, said = await self.post(path, body)
        assert status == 200, said
        return said

    async def fault(self, name: str, **order: Any) -> None:
        """Order a fault."""
        status, said = await self.post("/admin/faults", {"fault": name, **order}, key=ADMIN)
        assert status == 200, said

    async def journal(self, **query: str) -> list[dict[str, Any]]:
        """Every entry of the journal, through the admin API."""
        headers = {"Authorization": f"Bearer {ADMIN}"}
        async with self.session.get("/admin/journal", params=query, headers=headers) as answer:
            assert answer.status == 200
            return (await answer.json())["entries"]


def signed(body: bytes, key: str = KEY, *, at: float | None = None) -> dict[str, str]:
    """The headers of a message with ``body`` from the holder of ``key``, signed now or at ``at``."""
    stamp = str(int(time.time() if at is None else at))
    signing_key = SIGNING_KEYS.get(key, "no key of anybody's")
    mac = hmac.new(signing_key.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:",
        "X-Signature": f"t={stamp},v1={mac}",
    }


def authorization(reference: str, number: str = "4242424242424242", **changes: Any) -> dict[str, Any]:
    """A POST /authorizations body that an ordinary card gets approved."""
    card = {"number": number, "exp_month": "12", "exp_year": "2099", "cvc": "737"}
    return {
        "reference": reference,
        "amount": 1099,
        "currency": "usd",
        "capture": False,
        "card": card,
        "return_url": "https://shop.example/back?token=x",
        **changes,
    }
