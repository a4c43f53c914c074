"""Every socket on which a Lockgate listens, found in the kernel's own tables: none lets anybody in without proof."""

import asyncio
import http.client
import os
import secrets as random
import socket
import ssl
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import asyncpg
import pytest
from tools.contract.declared import operations

from lockgate.kernel import clock, wire
from lockgate.vault import policy
from tests.support.cluster import run_apart
from tests.support.running import Running, discard, start_lockgate

# What is answered without any credential, and why.
OPEN = {
    "api": {
        "/healthz": "a load balancer asks",
        "/openapi.json": "the contract is public", "/docs": "and readable",
        "/.well-known/oauth-authorization-server": "RFC 8414: apps find their way by it",
        "/oauth/jwks": "the public halves of the keys that sign tokens",
        "/crl/clients.crl": "who was revoked: RFC 5280 has no secrets in it",
        "/sign-in": "where people prove who they are", "/forgot": "and where they ask for a letter",
    },
    "cards": {
        "/keys": "public keys, to seal cards to", "/manifest.json": "the signed list of files",
        "/seal.js": "the script of the card field",
    },
    "simulator": {},
}  # fmt: skip
LISTENING, BOUND = "0A", "07"  # as the kernel's tables write the states of sockets,
ADDRESSES = count()
STREAM, DATAGRAM, ACCEPTS = "0001", "0002", "00010000"  # and the types and flags of those of this host


class Listener(NamedTuple):
    """A socket that takes connections or messages: its place, and the programs that hold it."""

    place: str
    programs: frozenset[str]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate(options=("--mtls-listen", "127.0.0.1:0"))
    try:
        yield started
    finally:
        discard(started)


def listening(running: Running) -> set[Listener]:
    """What /proc says that the Lockgate's programs, and all that they started, listen on."""
    held: dict[str, set[str]] = {}
    for program, pid in {**running["pids"], "up": running.process.pid}.items():
        for one in family(int(pid)) if program != "up" else [int(pid)]:
            for inode in inodes(one):
                held.setdefault(inode, set()).add(program)
    found = {}
    for inode, place in places():
        if inode in held:
            found[inode] = Listener(place, frozenset(held[inode]))
    return set(found.values())


def family(pid: int) -> list[int]:
    """A process and what it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def inodes(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        if target.startswith("socket:["):
            yield target[8:-1]


def places() -> Iterator[tuple[str, str]]:
    """Inode and place of every listening TCP socket, every bound UDP one, and every Unix socket that has a path."""
    for table, kinds in (("tcp", {LISTENING}), ("tcp6", {LISTENING}), ("udp", {BOUND}), ("udp6", {BOUND})):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, = line.split()
            if state in kinds:
                yield line.split()[9], f"{table}:{int(local.rpartition(':')[2], 16)}"
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        words = line.split()
        if len(words) == 8 and (words[4] == DATAGRAM or (words[4] == STREAM and words[3] == ACCEPTS)):
            yield words[6], words[7]


def port_of(running: Running, name: str) -> int:
    port = urlsplit(running[name]).port
    assert port is not None
    return port


def test_nothing_listens_but_what_is_swept_here(running: Running) -> None:
    run = Path(running.settings()["run_dir"])
    expected = {
        *(Listener(f"tcp:{port_of(running, name)}", frozenset({program})) for name, program in (
            ("api", "gateway"), ("mtls", "gateway"), ("cards", "vault"), ("simulator", "simulator"))),
        Listener(str(run / "vault.sock"), frozenset({"vault"})),
        Listener(str(run / "pg" / ".s.PGSQL.5432"), frozenset({"postgres"})),
        Listener(str(run / "worker.sock"), frozenset({"worker"})),
    }  # fmt: skip
    assert listening(running) == expected


def ask(running: Running, name: str, path: str, *, method: str = "GET", token: str | None = None) -> tuple[int, str]:
    context = ssl.create_default_context(cafile=running["ca_file"])
    number = next(ADDRESSES)  # each from an address of its own: what fails at one is limited there
    connection = http.client.HTTPSConnection(
        "localhost", port_of(running, name), context=context, timeout=20,
        source_address=(f"127.9.{number // 250}.{1 + number % 250}", 0),
    )  # fmt: skip
    try:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


@pytest.mark.parametrize("name", OPEN)
def test_what_is_public_is_on_one_list(running: Running, name: str) -> None:
    assert {path: ask(running, name, path)[0] for path in OPEN[name]} == dict.fromkeys(OPEN[name], 200)


def credentials(running: Running) -> Mapping[str, str | None]:
    """None, one of each of the other programs, and one that ended."""
    made = running.command("keys", "create", "--name", "ended").stdout.split()
    running.command("keys", "revoke", made[2].rstrip("."))
    return {
        "none": None, "stale": made[0], "admin token": running.secrets("owner")["admin_token"],
        "vault key": running.secrets("gateway")["vault_key"],
        "simulator's api key": next(iter(running.secrets("simulator")["api_keys"])),
        "database password": running.secrets("worker")["database_password"],
    }  # fmt: skip


def test_the_api_and_metrics_refuse_other_programs_credentials(running: Running) -> None:
    """A sample of all operations; tests/sweeps/test_roles.py asks each by everything that is a credential here."""
    sample = [one.path for one in operations() if one.method == "GET" and "{" not in one.path][::6]
    clock_s = 1.1  # for how long a revoked key may still pass
    given = credentials(running)
    run_apart(asyncio.sleep(clock_s))
    for what, token in given.items():
        for path in ("/metrics", "/v1/balance", "/v1/people", *sample[:4]):
            status, text = ask(running, "api", path, token=token)
            assert status == 401, (what, path, status, text[:200])
    assert ask(running, "api", "/metrics", token=running["secret_key"])[0] == 403
    assert ask(running, "api", "/v1/balance", token=running["secret_key"])[0] == 200


def test_the_mutual_tls_port_wants_a_certificate_whatever_key_comes_along(running: Running) -> None:
    for path in ("/v1/balance", "/metrics", "/healthz", "/sign-in", "/openapi.json"):
        for token in (None, running["secret_key"]):
            try:
                status, text = ask(running, "mtls", path, token=token)
            except (ssl.SSLError, ConnectionError, http.client.HTTPException):
                continue
            assert (status, "certificate" in text) in {(401, True), (403, True)}, (path, status, text[:200])


def test_the_simulator_refuses_everybody_but_its_own(running: Running) -> None:
    api_key = next(iter(running.secrets("simulator")["api_keys"]))
    right = running.secrets("owner")["admin_token"]
    wrong = {**credentials(running), "merchant's key": running["secret_key"]}
    del wrong["admin token"]
    for path in ("/admin/status", "/admin/journal", "/admin/keys"):
        for what, token in wrong.items():
            assert ask(running, "simulator", path, token=token)[0] == 401, (path, what)
        assert ask(running, "simulator", path, token=right)[0] == 200
    for path in ("/admin/faults", "/admin/disputes", "/admin/warnings", "/admin/notifications", "/admin/keys"):
        for what, token in wrong.items():
            assert ask(running, "simulator", path, method="POST", token=token)[0] == 401, (path, what)
    for path in ("/authorizations", "/captures", "/refunds", "/inquiries"):
        for token in (None, running["secret_key"], right, api_key[:-1] + "~"):
            assert ask(running, "simulator", path, method="POST", token=token)[0] in (401, 404), path


def frame(caller: str, key: bytes, verb: str, *, time_ms: int | None = None) -> bytes:
    asked = wire.Request(
        caller=caller, id=1, time_ms=time_ms or clock.now_ms(), nonce=random.token_bytes(16), verb=verb, args={}
    )
    return wire.request_frame(key, asked)


def speak(running: Running, sent: bytes) -> wire.Response | None:
    """The vault's answer; None if it hung up."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(Path(running.settings()["run_dir"]) / "vault.sock"))
        line.sendall(sent)
        got = b""
        while len(got) < 4 or len(got) < 4 + int.from_bytes(got[:4], "big"):
            piece = line.recv(65_536)
            if not piece:
                return None
            got += piece
    return wire.read_response(wire.open_frame(got[4:])[0])


def test_the_vault_refuses_frames_without_with_a_stale_and_with_anothers_proof(running: Running) -> None:
    keys = {name: bytes.fromhex(running.secrets(name)["vault_key"]) for name in ("gateway", "worker")}
    keys["admin"] = bytes.fromhex(running.secrets("owner")["admin_key"])
    for caller, key in keys.items():
        answer = speak(running, frame(caller, key, "status"))
        assert answer is not None and answer.error is None, caller
        for other, wrong in {**keys, "nobody": bytes(32)}.items():
            if other != caller:
                assert speak(running, frame(caller, wrong, "status")) is None, (caller, other)
        stale = speak(running, frame(caller, key, "status", time_ms=clock.now_ms() - 3_600_000))
        assert stale is not None and stale.error is not None and stale.error["reason"] == "stale"
        for verb in policy.VERBS - policy.CALLERS[caller]:
            answer = speak(running, frame(caller, key, verb))
            assert answer is not None and answer.error is not None and answer.error["reason"] == "verb", (caller, verb)
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x04null", os.urandom(64)):
        assert speak(running, junk) is None


def test_the_database_wants_each_roles_own_password(running: Running) -> None:
    where = running.settings()["database"]
    roles = {"lockgate_gateway": "gateway", "lockgate_worker": "worker", "lockgate_vault": "vault",
             "lockgate_sealer": "sealer", "lockgate_reporting": "reporting", "lockgate_backup": "backup",
             "postgres": "postgres"}  # fmt: skip
    passwords = {file: running.secrets(file)["database_password"] for file in roles.values()}

    async def enters(user: str, password: str | None) -> bool:
        try:
            line = await asyncpg.connect(
                host=where["host"], port=where["port"], database=where["name"], user=user, password=password
            )
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
            return False
        await line.close()
        return True

    async def work() -> None:
        for user, own in roles.items():
            assert await enters(user, passwords[own]), user
            others = {name: password for name, password in passwords.items() if name != own}
            for what, password in {**others, "none": "", "nonsense": "nonsense"}.items():
                assert not await enters(user, password), (user, what)

    run_apart(work())


def test_the_workers_socket_carries_no_orders(running: Running) -> None:
    """It is a bell: whatever is sent there the worker only looks for work that the database has, sooner."""
    place = Path(running.settings()["run_dir"]) / "worker.sock"
    pid = running.refresh()["pids"]["worker"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.connect(str(place))
        for sent in (b"", b"x", os.urandom(2000), b'{"job": "audit.purge"}'):
            for _ in range(20):
                bell.send(sent)
    run_apart(asyncio.sleep(1))
    assert running.refresh()["pids"]["worker"] == pid
    log = (running.home / "logs" / "worker.log").read_text()
    assert "audit.purge" not in log and "Traceback" not in log


def test_only_the_programs_reach_the_sockets_of_this_host(running: Running) -> None:
    """Whether by the directory or by the socket: for others there is nothing to connect to."""
    run = Path(running.settings()["run_dir"])
    for place in (run / "vault.sock", run / "worker.sock", run / "pg"):
        assert place.lstat().st_mode & 0o007 == 0, place
