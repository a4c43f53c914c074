"""Every listener as strangers judge it: sslyze by Mozilla's modern profile, old TLS refused, plain HTTP not served."""

import shutil
import socket
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.running import Running

SSLYZE = Path(__file__).resolve().parents[2] / ".tools" / "sslyze"
LISTENERS = ("api", "mtls", "cards", "simulator")


def port_of(lockgate: Running, listener: str) -> int:
    port = urlsplit(lockgate[listener]).port
    assert port is not None
    return port


@pytest.mark.parametrize("listener", LISTENERS)
def test_sslyze_finds_every_listener_modern(lockgate: Running, listener: str) -> None:
    if not (SSLYZE / ".installed").exists():
        pytest.skip("sslyze is not installed here ('make .tools/sslyze/.installed')")
    place = f"127.0.0.1:{port_of(lockgate, listener)}"
    words = ["--mozilla_config", "modern", "--certinfo_ca_file", lockgate["ca_file"], place]
    done = subprocess.run(
        [SSLYZE / "bin" / "sslyze", *words], capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{place}: OK - Compliant" in done.stdout, done.stdout


@pytest.mark.parametrize("listener", LISTENERS)
def test_older_tls_is_refused(lockgate: Running, listener: str) -> None:
    context = ssl.create_default_context(cafile=lockgate["ca_file"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    plain = socket.create_connection(("127.0.0.1", port_of(lockgate, listener)), timeout=10)
    with plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("listener", LISTENERS)
def test_plain_http_is_neither_answered_nor_sent_on(lockgate: Running, listener: str) -> None:
    key = lockgate["secret_key"]
    body = b"amount=2000&currency=usd"
    head = f"POST /v1/payment_intents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    got = b""
    with socket.create_connection(("127.0.0.1", port_of(lockgate, listener)), timeout=10) as plain:
        try:
            plain.sendall(head.encode() + body)
            while piece := plain.recv(4096):
                got += piece
        except ConnectionError:
            pass
    assert b"HTTP/" not in got, "not even a redirect: the next one would be sent in clear too"


def test_curl_pays_with_a_client_certificate_on_both(lockgate: Running, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is missing")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    lockgate.command("certs", "issue", "--out", str(certificate), "--key", str(key))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600

    def curl(listener: str, *more: str) -> str:
        words = ["--silent", "--cacert", lockgate["ca_file"], "-u", f"{lockgate['secret_key']}:", *more]
        words.append(f"{lockgate[listener]}/v1/balance")
        return subprocess.run(["curl", *words], capture_output=True, text=True, timeout=30, check=False).stdout

    shown = ("--cert", str(certificate), "--key", str(key))
    assert all('"object":"balance"' in curl(listener, *shown) for listener in ("api", "mtls"))
    assert '"object":"balance"' in curl("api")
    assert "Only clients with a certificate" in curl("mtls")
    renewed = lockgate_renew(lockgate, certificate, key)
    assert "replaces" in renewed
    assert '"object":"balance"' in curl("mtls", *shown)
    listed = lockgate.command("certs", "list", "--json").stdout
    assert '"purpose": "client"' in listed and "PRIVATE" not in listed
    new_id = renewed.split()[0]
    lockgate.command("certs", "revoke", new_id, "--reason", "superseded")
    end = time.monotonic() + 1.0
    while '"object":"balance"' in curl("mtls", *shown):
        assert time.monotonic() < end, "a revoked certificate went on"
    crl = tmp_path / "clients.crl"
    lockgate.command("certs", "crl", "--out", str(crl))
    told = subprocess.run(
        ["openssl", "crl", "-inform", "DER", "-in", crl, "-noout", "-text"], capture_output=True, text=True, check=True
    ).stdout
    assert "Superseded" in told


def lockgate_renew(lockgate: Running, certificate: Path, key: Path) -> str:
    """What a merchant's server runs: it needs no home."""
    words = ["certs", "renew", "--certificate", str(certificate), "--key", str(key), "--api", lockgate["mtls"]]
    words += ["--ca", lockgate["ca_file"]]
    command = lockgate.lockgate or (str(Path(sys.executable).parent / "lockgate"),)
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
