"""``lockgate alerts``: what the operator is told, and how; her own alerts, or with --account a merchant's."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import typer

from lockgate.cli.keys import at_desk, seconds
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway import boot_alerts
from lockgate.gateway.alerts import edit_alert, edit_route, edit_rule, edit_silence, find_alerts, render
from lockgate.gateway.alerts.core.rule import PLATFORM, SEVERITIES
from lockgate.gateway.alerts.core.shapes import STATES
from lockgate.gateway.alerts.find_alerts import DeliveryRow
from lockgate.gateway.alerts.owners import OWNER
from lockgate.gateway.alerts.ports import Ports
from lockgate.gateway.alerts.syslog import Collector
from lockgate.gateway.alerts.target import unseal
from lockgate.gateway.identity import find
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.paging import Page
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
routes = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
app.add_typer(routes, name="routes", help="Where alerts are told: mail, webhooks, syslog.")
Result = TypeVar("Result")
AccountOption = Annotated[
    str, typer.Option("--account", help="A merchant's alerts; by default the operator's own, of the installation.")
]


def _at(home: Path, account: str, work: Callable[[Ports, Principal], Awaitable[Result]]) -> Result:
    """Run ``work`` as the operator, for one account's alerts."""
    place = Home(home.resolve())

    async def run(desk: Desk) -> Result:
        if account != PLATFORM and await find.account(desk.pool, account) is None:
            raise ConfigError(f"there is no account {account}: see 'lockgate accounts list'")
        ports = boot_alerts.ports(place.settings(), pool=desk.pool, box=desk.box, poke=lambda: None)
        return await work(ports, Principal(account, False, "internal", "operator"))

    return at_desk(place, run)


def _within(home: Path, account: str, work: Callable[[Connection, Principal], Awaitable[Result]]) -> Result:
    """The same in one transaction."""

    async def run(ports: Ports, who: Principal) -> Result:
        async with ports.pool.acquire() as connection, connection.transaction():
            return await work(connection, who)

    return _at(home, account, run)


@app.command("list")
def list_command(
    *,
    state: Annotated[str | None, typer.Option(help="open, acknowledged or resolved; by default all.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Whole, one JSON object a line.")] = False,
    account: AccountOption = PLATFORM,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show alerts, the newest first."""
    if state is not None and state not in STATES:
        raise ConfigError(f"--state is one of {', '.join(STATES)}")

    async def work(ports: Ports, who: Principal) -> list[find_alerts.AlertView]:
        return await find_alerts.alerts(ports.pool, who.account, Page(limit - 1, None, None), state=state)

    for row in _at(home, account, work):
        shown = render.alert(row)
        if as_json:
            print(json.dumps(shown, ensure_ascii=False))
        else:
            last = datetime.fromtimestamp(shown["last_at"], UTC).strftime("%Y-%m-%d %H:%M:%SZ")
            silent = "  (silenced)" if shown["silence"] else ""
            print(f"{row.id}  {row.state:12}  {row.severity:8}  {last}  {row.count_}x  {shown['summary']}{silent}")


@app.command("ack")
def acknowledge_command(
    alert: Annotated[str, typer.Argument(help="The alert's id, from 'alerts list'.")],
    *,
    resolve: Annotated[bool, typer.Option("--resolve", help="End it: what happens from now on opens another.")] = False,
    account: AccountOption = PLATFORM,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say that you look after an alert, or with --resolve that it is over."""

    async def work(connection: Connection, who: Principal) -> bool:
        verb = edit_alert.resolve_within if resolve else edit_alert.acknowledge_within
        return await verb(connection, who, alert, now=clock.now(), request=None)

    if not _within(home, account, work):
        raise ConfigError("no such alert waits for this: see 'lockgate alerts list'")


@app.command("rules")
def rules_command(*, account: AccountOption = PLATFORM, home: HomeOption = DEFAULT_HOME) -> None:
    """Show the rules, and what to do when one speaks."""

    async def work(ports: Ports, who: Principal) -> dict[str, tuple[int | None, bool]]:
        return await find_alerts.settings(ports.pool, who.account)

    settings = _at(home, account, work)
    for rule in edit_rule.visible(account):
        shown = render.rule(rule, settings.get(rule.name, (None, True)))
        often = f"{shown['threshold']} in {shown['window_s']} s" if rule.counts else "each"
        off = "" if shown["enabled"] else "  (off)"
        print(f"{rule.name}  {rule.severity}  {often}{off}\n    {rule.about}\n    {rule.runbook}")


@app.command("silence")
def silence_command(
    rule: Annotated[str, typer.Argument(help="The rule's name, from 'alerts rules'.")],
    *,
    lasts: Annotated[str, typer.Option("--for", help="For example 30m, 4h or 7d; 30d at most.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever reads the audit log.")],
    subject: Annotated[str | None, typer.Option(help="Only for this subject, as its alerts name it.")] = None,
    account: AccountOption = PLATFORM,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Have a rule's alerts not told for a while; they are still opened and counted."""

    async def work(connection: Connection, who: Principal) -> str:
        now = clock.now()
        until = now + seconds(lasts)
        row = edit_silence.made(who, rule=rule, subject=subject, until=until, reason=reason, now=now)
        await edit_silence.create_within(connection, who, row, request=None)
        return row.id

    print(_within(home, account, work))


@app.command("silences")
def silences_command(
    *,
    end: Annotated[str | None, typer.Option(help="End this silence now.")] = None,
    account: AccountOption = PLATFORM,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show what is not told, or end a silence."""
    if end is not None:

        async def stop(connection: Connection, who: Principal) -> bool:
            return await edit_silence.end_within(connection, who, end, now=clock.now(), request=None)

        if not _within(home, account, stop):
            raise ConfigError("no such silence goes on: see 'lockgate alerts silences'")
        return

    async def work(ports: Ports, who: Principal) -> list[find_alerts.SilenceRow]:
        return await find_alerts.silences(ports.pool, who.account, since=clock.now())

    for row in _at(home, account, work):
        if row.ended_at is None:
            until = datetime.fromtimestamp(row.until, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
            print(f"{row.id}  {row.rule}  {row.subject or 'all'}  until {until}  by {row.created_by}: {row.reason}")


@routes.command("list")
def list_routes_command(*, account: AccountOption = PLATFORM, home: HomeOption = DEFAULT_HOME) -> None:
    """Show where alerts are told."""

    async def work(ports: Ports, who: Principal) -> list[dict[str, object]]:
        rows = await find_alerts.routes(ports.pool, who.account)
        return [render.route(row, await unseal(ports.box, row.account, row.id, sealed=row.sealed)) for row in rows]

    listed = _at(home, account, work)
    if not any(shown["enabled"] for shown in listed):
        whose = "the first account" if account == PLATFORM else "the account"
        print(f"no route is switched on: alerts from medium on are mailed to the owners of {whose}")
    for shown in listed:
        target = shown["email"] or shown["url"] or shown["syslog"]
        off = "" if shown["enabled"] else "  (off)"
        print(f"{shown['id']}  {shown['kind']}  from {shown['min_severity']}  {target}{off}")


@routes.command("add")
def add_route_command(
    *,
    email: Annotated[str | None, typer.Option(help="Where to mail.")] = None,
    url: Annotated[str | None, typer.Option(help="Where to post, signed.")] = None,
    syslog: Annotated[
        str | None, typer.Option(help="tls://host:port, or on this machine tcp://host:port or udp://host:port.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="The authority of the collector's certificate, as PEM.")] = None,
    min_severity: Annotated[str, typer.Option(help="The least severity that is told here.")] = "low",
    account: AccountOption = PLATFORM,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Have alerts told somewhere; of a webhook the signing secret is shown, this once."""
    if min_severity not in SEVERITIES:
        raise ConfigError(f"--min-severity is one of {', '.join(SEVERITIES)}")
    if sum(one is not None for one in (email, url, syslog)) != 1:
        raise ConfigError("name exactly one of --email, --url and --syslog")
    authority = ca.read_text() if ca is not None else None

    async def work(ports: Ports, who: Principal) -> tuple[str, str | None]:
        if syslog is not None:
            kind, target = "syslog", edit_route.read_collector(_collector(syslog, authority))
        else:
            kind, target = edit_route.read_target(ports, {"email": email} if email is not None else {"url": url})
        row = await edit_route.made(ports, who, kind=kind, target=target, min_severity=min_severity, now=clock.now())
        async with ports.pool.acquire() as connection, connection.transaction():
            await edit_route.create_within(connection, who, row, request=None)
        return row.id, target.get("secret")

    id_, secret = _at(home, account, work)
    print(id_)
    if secret is not None:
        print(f"signing secret {secret}. It is not shown again.")


@routes.command("remove")
def remove_route_command(
    route: Annotated[str, typer.Argument(help="The route's id, from 'alerts routes list'.")],
    *,
    account: AccountOption = PLATFORM,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Remove a route."""

    async def work(ports: Ports, who: Principal) -> None:
        row = await edit_route.found(ports, who, route)
        async with ports.pool.acquire() as connection, connection.transaction():
            await edit_route.delete_within(connection, who, row, request=None)

    _at(home, account, work)


@app.command("test")
def test_command(
    route: Annotated[str, typer.Argument(help="The route's id, from 'alerts routes list'.")],
    *,
    account: AccountOption = PLATFORM,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Send a test by a route; 'alerts deliveries ROUTE' says what came of it."""

    async def work(ports: Ports, who: Principal) -> None:
        row = await edit_route.found(ports, who, route)
        now_ms = clock.now_ms()
        queued = DeliveryRow(row.account, new_id("alrd"), new_id("test"), row.id, now_ms, "waiting", 0, now_ms, None)
        async with ports.pool.acquire() as connection, connection.transaction():
            await edit_route.test_within(connection, who, queued, request=None)

    _at(home, account, work)


@app.command("deliveries")
def deliveries_command(
    route: Annotated[str, typer.Argument(help="The route's id, from 'alerts routes list'.")],
    *,
    account: AccountOption = PLATFORM,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show what came of the alerts that went by a route."""

    async def work(ports: Ports, who: Principal) -> list[DeliveryRow]:
        if not route.startswith(OWNER):
            await edit_route.found(ports, who, route)
        return await find_alerts.deliveries(ports.pool, who.account, route, most=50)

    for row in _at(home, account, work):
        print(f"{row.id}  {row.alert}  {row.state}  {row.tries} tries  {row.outcome or ''}")


def _collector(text: str, authority: str | None) -> Collector:
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = None
    if not parts.hostname or port is None or parts.path not in ("", "/") or parts.query or "@" in parts.netloc:
        raise ConfigError("--syslog is tls://host:port, or on this machine tcp://host:port or udp://host:port")
    return Collector(parts.hostname, port, parts.scheme, authority)
