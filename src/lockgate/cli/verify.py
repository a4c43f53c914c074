"""``lockgate verify``: holds a running installation against the invariants, and against the processor's journal."""

import asyncio
import json
import ssl
import urllib.parse
import urllib.request
from typing import Any

import typer

from lockgate.cli.audit import known
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.audit.ports import policy
from lockgate.gateway.invariants.check import Finding, check, checks, witness
from lockgate.gateway.storage.database import connect_pool
from lockgate.gateway.vaultlink.client import VaultClient, VaultUnavailable
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False)
WITNESS = "what the simulator's journal says moved is in the books or in doubt"


@app.command()
def verify(home: HomeOption = DEFAULT_HOME) -> None:
    """Check the invariants of a running installation. Safe under load; exit status 1 when one is broken."""
    place = Home(home.resolve())
    settings = place.settings()
    try:
        findings = asyncio.run(_findings(place, settings))
    except (OSError, VaultUnavailable) as error:
        raise ConfigError(f"Lockgate does not run here: start it with 'lockgate up --home {place.path}'") from error
    lines = {one.invariant: one.says for one in checks(now=0)}
    if settings["profile"] == "sandbox":
        lines["I3"] = WITNESS
    for invariant in sorted(lines, key=lambda name: int(name[1:])):
        broken = [finding for finding in findings if finding.invariant == invariant]
        print(f"{invariant:<4} {'BROKEN' if broken else 'holds':<7} {lines[invariant]}")
        for finding in broken:
            whose = f"{finding.account} {'live' if finding.livemode else 'test'}: " if finding.account else ""
            print(f"{'':<13}{whose}{finding.what}")
    if findings:
        raise typer.Exit(1)


async def _findings(home: Home, settings: dict[str, Any]) -> list[Finding]:
    pool = await connect_pool(
        database=settings["database"],
        user="lockgate_gateway",
        password=home.secrets("gateway")["database_password"],
        size=2,
    )
    vault = VaultClient(home.vault_socket(), caller="gateway", key=bytes.fromhex(home.secrets("gateway")["vault_key"]))
    try:
        findings = await check(pool, now=clock.now(), log=await known(vault, policy(settings)))
        if settings["profile"] == "sandbox":
            token = home.secrets("owner")["admin_token"]
            context = ssl.create_default_context(cafile=str(home.path / "ca" / "ca.pem"))

            async def read() -> list[dict[str, Any]]:
                return await asyncio.to_thread(
                    read_journal, settings["simulator"]["url"], token=token, context=context
                )

            findings += await witness(pool, read=read)
        return findings
    finally:
        await vault.close()
        await pool.close()


def read_journal(url: str, *, token: str, context: ssl.SSLContext) -> list[dict[str, Any]]:
    """The simulator's whole journal, page by page, through its admin API."""
    if urllib.parse.urlsplit(url).scheme != "https":
        raise ConfigError("the simulator's address must be https")
    entries: list[dict[str, Any]] = []
    since, more = 0, True
    while more:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked above
            f"{url}/admin/journal?since={since}", headers={"authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310
            page = json.load(answer)
        entries += page["entries"]
        since, more = page["next_since"], page["more"]
    return entries
