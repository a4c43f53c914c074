"""What `lockgate up` does while everything runs: certificates must not end under it."""

import asyncio
import sys
from pathlib import Path

import pytest

from lockgate.cli import certificates, separation, up, welcome
from lockgate.cli import home as homes
from lockgate.cli.stack import Stack
from lockgate.cli.supervisor import Program, Supervisor
from lockgate.kernel import clock
from lockgate.kernel.config import Home

_LISTENING = """
import os, signal, sys, time
signal.signal(signal.SIGHUP, lambda *_: open(sys.argv[1], "w").write("read again"))
os.write(int(os.environ["LOCKGATE_READY_FD"]), b"ready\\n")
time.sleep(60)
"""


async def test_certificates_are_renewed_while_all_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "h")
    homes.create(home, profile="sandbox", passphrase=None)
    certificates.ensure(home)
    apart = separation.Separation({}, None, 0)
    settings = home.settings()
    separation.hand_over(apart, home, Path(settings["run_dir"]))
    heard = tmp_path / "heard"
    supervisor = Supervisor(home.path / "logs", changed=lambda _pids: None, say=lambda _line: None)
    await supervisor.start(Program("gateway", [sys.executable, "-I", "-c", _LISTENING, str(heard)]))
    chosen = Stack(home, settings, apart, None, None)
    try:
        before = (home.path / "tls" / "api.pem").read_bytes()
        up.renew(chosen, supervisor)
        assert (home.path / "tls" / "api.pem").read_bytes() == before, "what is good stays"
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now + 61 * 86400)
        up.renew(chosen, supervisor)
        assert (home.path / "tls" / "api.pem").read_bytes() != before
        async with asyncio.timeout(10):
            while not heard.exists():
                await asyncio.sleep(0.02)
    finally:
        await supervisor.stop()


def test_the_line_to_copy_survives_a_home_with_a_space() -> None:
    keys = dict.fromkeys(("publishable_key", "secret_key", "seal_verify_key"), "k")
    started = {"api": "https://127.0.0.1:1", "ca_file": "/my home/ca.pem", "profile": "sandbox", **keys}
    assert "curl --cacert '/my home/ca.pem' https://" in welcome.text(started, separation="", seconds=1)
