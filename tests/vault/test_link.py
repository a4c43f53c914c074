"""The vault from another host: without, with a stale and with another program's credential nobody gets an answer."""

import asyncio
import secrets as random
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from lockgate.cli import authorities, certificates
from lockgate.gateway.vaultlink import client as vaultlink
from lockgate.gateway.vaultlink.client import VaultClient, VaultRefused, VaultUnavailable
from lockgate.gateway.vaultlink.link import Link as ToVault
from lockgate.kernel import clock, wire
from lockgate.kernel.config import Home
from lockgate.vault.link import Link
from tests.vault.running import ACCOUNT, CARD, KEYS, House, vault_house


@dataclass
class Far:
    """A vault that listens for other hosts, and what each program shows it."""

    house: House
    home: Home
    link: Link
    port: int

    def to_vault(self, program: str, *, shown: str | None = None) -> ToVault:
        tls = self.home.path / "tls"
        own = tls / f"service-{shown or program}.pem"
        return ToVault("127.0.0.1", self.port, own, own.with_suffix(".key"), tls / "service-ca.pem")

    def client(self, program: str, *, shown: str | None = None) -> VaultClient:
        return VaultClient(self.to_vault(program, shown=shown), caller=program, key=KEYS[program])

    async def reasons(self) -> list[tuple[str, str]]:
        return [(row["caller"], row["reason"]) for row in await self.house.audit() if row["outcome"] == "refused"]


@pytest.fixture
async def far(pool: asyncpg.Pool, secrets: dict[str, Any], tmp_path: Path) -> AsyncIterator[Far]:
    home = Home(tmp_path / "home")
    authorities.ensure(home)
    certificates.ensure_services(home, ["127.0.0.1"])
    own = certificates.service_file(home, "vault")
    link = Link("127.0.0.1", 0, own, own.with_suffix(".key"), home.path / "tls" / "service-ca.pem")
    async with vault_house(pool, secrets, tmp_path, uids={"gateway": 4242}) as house:
        yield Far(house, home, link, await house.vault.door.open_link(link))


async def test_programs_on_other_hosts_are_served(far: Far) -> None:
    for program in ("gateway", "worker"):
        client = far.client(program)
        assert await client.status()
        await client.close()
    client = far.client("gateway")
    described = await client.tokenize_test(ACCOUNT, CARD)
    assert described["last4"] == "4242"
    await client.close()


async def test_another_programs_certificate_is_refused_whatever_key_it_has(far: Far) -> None:
    for program, shown in (("gateway", "worker"), ("worker", "gateway"), ("gateway", "vault"), ("admin", "gateway")):
        client = far.client(program, shown=shown)
        with pytest.raises(VaultRefused, match="refused"):
            await client.status()
        await client.close()
    assert set(await far.reasons()) == {(caller, "certificate") for caller in ("gateway", "worker", "admin")}


async def test_a_certificate_without_the_programs_key_is_hung_up_on(far: Far) -> None:
    client = VaultClient(far.to_vault("gateway"), caller="gateway", key=b"x" * 32)
    with pytest.raises(VaultUnavailable):
        await client.status()
    await client.close()
    assert ("gateway", "mac") in await far.reasons()


async def test_without_a_certificate_of_ours_there_is_no_line(far: Far, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    authorities.ensure(other)
    certificates.ensure_services(other, ["127.0.0.1"])
    foreign = certificates.service_file(other, "gateway")
    stranger = replace(far.to_vault("gateway"), certificate=foreign, key=foreign.with_suffix(".key"))
    client = VaultClient(stranger, caller="gateway", key=KEYS["gateway"])
    with pytest.raises(VaultUnavailable):
        await client.status()
    await client.close()
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    bare.load_verify_locations(far.link.ca_file)
    request = wire.Request("gateway", 1, clock.now_ms(), random.token_bytes(16), "status", {})
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", far.port, ssl=bare, server_hostname="vault.lockgate.internal"
    )
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        writer.write(wire.request_frame(KEYS["gateway"], request))
        await writer.drain()
        await reader.readexactly(4)
    writer.close()
    imposter = replace(far.to_vault("gateway"), ca_file=other.path / "tls" / "service-ca.pem")
    client = VaultClient(imposter, caller="gateway", key=KEYS["gateway"])
    with pytest.raises(VaultUnavailable):
        await client.status()
    await client.close()


async def test_a_certificate_that_ended_is_refused_on_an_open_line(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    client = far.client("gateway")
    await client.status()
    now, now_ms = clock.now(), clock.now_ms()
    monkeypatch.setattr(clock, "now", lambda: now + 90_000)
    monkeypatch.setattr(clock, "now_ms", lambda: now_ms + 90_000_000)
    with pytest.raises(VaultRefused):
        await client.status()
    assert ("gateway", "certificate_expired") in await far.reasons()
    await client.close()


async def test_certificates_are_renewed_while_calls_go_on(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vaultlink, "LINK_S", 0.05)
    client, failed, calls = far.client("gateway"), [], 0

    async def call() -> None:
        nonlocal calls
        while calls < 2_000:
            calls += 1
            try:
                await client.status()
            except Exception as fault:
                failed.append(repr(fault))

    async def renew() -> int:
        turns = 0
        while calls < 2_000:
            for file in (far.home.path / "tls").glob("service-*.key"):
                file.unlink()
            certificates.ensure_services(far.home, ["127.0.0.1"])
            far.link.reload()
            turns += 1
            await asyncio.sleep(0.1)
        return turns

    renewing = asyncio.create_task(renew())
    await asyncio.gather(*(call() for _ in range(8)))
    turns = await renewing
    await client.close()
    assert failed == []
    assert turns >= 2
