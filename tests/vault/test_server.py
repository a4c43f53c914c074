"""The program itself: it starts on a home directory, closes itself to its neighbours, serves its origin and stops."""

import base64
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lockgate.gateway.vaultlink.client import VaultClient
from lockgate.vault import jose, providers
from tests.support.cluster import Database
from tests.vault.running import KEYS

_START = "import sys; from pathlib import Path; from lockgate.kernel.config import Home; from lockgate.vault.server import run; run(Home(Path(sys.argv[1])))"  # noqa: E501


def _home(directory: Path, database: Database, **changed: Any) -> Path:
    home = directory / "home"
    for name in ("secrets", "run", "tls"):
        (home / name).mkdir(parents=True)
    settings = {
        "profile": "sandbox", "run_dir": str(home / "run"), "database": database.settings,
        "cards": {"host": "127.0.0.1", "port": 0},
    }  # fmt: skip
    secrets = {
        "database_password": database["vault"]["password"],
        "callers": {name: key.hex() for name, key in KEYS.items()},
        "root": providers.new_file_root(),
    }
    (home / "settings.json").write_text(json.dumps(settings))
    (home / "secrets" / "vault.json").write_text(json.dumps(secrets | changed))
    (home / "secrets" / "vault.json").chmod(0o600)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(home / "ca.pem"))
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(str(home / "tls" / "cards.key"))
    for blob in leaf.cert_chain_pems:
        blob.write_to_path(str(home / "tls" / "cards.pem"), append=True)
    return home


def _start(home: Path, **more: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", _START, str(home)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **more)


@pytest.fixture
def running(tmp_path: Path, database: Database) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    home = _home(tmp_path, database)
    reading, writing = os.pipe()
    environment = {**os.environ, "LOCKGATE_READY_FD": str(writing)}
    process = _start(home, pass_fds=(writing,), env=environment)
    os.close(writing)
    with os.fdopen(reading, "rb") as ready:
        assert ready.read() == b"ready\n", process.stderr and process.stderr.read()
    yield home, process
    if process.poll() is None:
        process.kill()
    process.wait()


def _cards_port(process: "subprocess.Popen[bytes]") -> int:
    assert process.stderr is not None
    for line in process.stderr:
        said = json.loads(line)
        if said.get("event") == "vault is open":
            return said["cards_port"]
    pytest.fail("the vault did not say that it is open")


async def test_it_serves_is_closed_to_others_and_stops_on_sigterm(running: Any) -> None:
    home, process = running
    client = VaultClient(str(home / "run" / "vault.sock"), caller="gateway", key=KEYS["gateway"])
    assert (await client.status())["profile"] == "sandbox"
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)
    status = Path(f"/proc/{process.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    await client.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_its_origin_gives_signed_keys_a_script_and_nothing_else(running: Any) -> None:
    home, process = running
    base = f"https://127.0.0.1:{_cards_port(process)}"
    context = ssl.create_default_context(cafile=str(home / "ca.pem"))

    def get(path: str, **more: Any) -> Any:
        return urllib.request.urlopen(urllib.request.Request(base + path, **more), context=context)

    with get("/keys") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Set-Cookie"] is None
        listed = json.load(answer)
    assert {key["format"] for key in listed["keys"]} == {"jwe", "hpke"}
    script = get("/seal.js").read()
    with get("/manifest.json") as answer:
        manifest = json.load(answer)
    digest = subprocess.run(["openssl", "dgst", "-sha384", "-binary"], input=script, capture_output=True, check=True)
    assert manifest["files"]["/seal.js"] == "sha384-" + base64.b64encode(digest.stdout).decode()
    lines = ("lockgate-static-manifest-v1", str(manifest["made"]), f"/seal.js {manifest['files']['/seal.js']}")
    Ed25519PublicKey.from_public_bytes(jose.from_base64url(manifest["key"])).verify(
        jose.from_base64url(manifest["signature"]), "\n".join(lines).encode()
    )
    for path, method, status in (("/", "GET", 404), ("/keys", "POST", 405), ("/../server.py", "GET", 404)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(path, method=method)
        assert refused.value.code == status
        assert refused.value.headers["X-Content-Type-Options"] == "nosniff"
        assert refused.value.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
        assert json.load(refused.value)["error"]["message"]
    old = ssl.create_default_context(cafile=str(home / "ca.pem"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(base + "/keys", context=old)


def test_a_new_certificate_is_shown_on_sighup_and_a_broken_one_is_not(running: Any) -> None:
    home, process = running
    place = ("127.0.0.1", _cards_port(process))
    leaf, key = home / "tls" / "cards.pem", home / "tls" / "cards.key"
    first = ssl.get_server_certificate(place)
    good = leaf.read_bytes(), key.read_bytes()
    leaf.write_bytes(b"half")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert ssl.get_server_certificate(place) == first
    authority = trustme.CA()
    fresh = authority.issue_cert("127.0.0.1")
    leaf.write_bytes(fresh.cert_chain_pems[0].bytes())
    key.write_bytes(fresh.private_key_pem.bytes())
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert ssl.get_server_certificate(place) == fresh.cert_chain_pems[0].bytes().decode()
    leaf.write_bytes(good[0])
    key.write_bytes(good[1])


@pytest.mark.parametrize(
    "change", [{"callers": {"gateway": "short"}}, {"callers": {"stranger": "00" * 32}}, {"root": {}}, {"callers": None}]
)
def test_bad_settings_end_in_one_line(tmp_path: Path, database: Database, change: Any) -> None:
    process = _start(_home(tmp_path, database, **change))
    _out, said = process.communicate(timeout=30)
    assert process.returncode == 1
    lines = [line for line in said.decode().splitlines() if not line.startswith("{")]
    assert len(lines) == 1
    assert lines[0].startswith("lockgate vault: ")
