"""``lockgate apps``: apps that ask people for access to their accounts, registered by the operator."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lockgate.cli.keys import AccountOption, at_desk, operator
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.oauth import find
from lockgate.gateway.oauth.core import params
from lockgate.gateway.oauth.core.clients import AppRow
from lockgate.gateway.oauth.create_app import keep, prepared
from lockgate.gateway.oauth.delete_app import delete
from lockgate.gateway.storage.paging import Page
from lockgate.kernel.config import ConfigError, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
LiveOption = Annotated[bool, typer.Option("--live", help="In live mode; by default in test mode.")]
_MOST = 1000


@app.command("create")
def create_command(
    *,
    name: Annotated[str, typer.Option(help="What people are asked about.")],
    method: Annotated[
        str,
        typer.Option(
            help="How the app proves who it is: none, secret_key, private_key_jwt, tls_client_auth or"
            " self_signed_tls_client_auth."
        ),
    ] = "none",
    scope: Annotated[
        str, typer.Option(help="The most it may ask for: read_only, read_write, or words like 'refunds=write'.")
    ] = "read_only",
    redirect_uri: Annotated[list[str] | None, typer.Option(help="Repeatable: where people go back to.")] = None,
    jwks: Annotated[Path | None, typer.Option(help="A file with the app's public keys, for private_key_jwt.")] = None,
    certificate: Annotated[
        list[Path] | None, typer.Option(help="Repeatable: a PEM file, for self_signed_tls_client_auth.")
    ] = None,
    subject_dn: Annotated[str | None, typer.Option(help="The certificate's subject, for tls_client_auth.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Pushed requests and bound tokens only.")] = False,
    live: LiveOption = False,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Register an app and print its client id."""
    place = Home(home.resolve())
    sent: dict[str, Any] = {
        "name": name,
        "token_endpoint_auth_method": method,
        "scope": scope,
        "strict": "true" if strict else "false",
    }
    if redirect_uri:
        sent["redirect_uris"] = {"": redirect_uri}
    if jwks is not None:
        sent["jwks"] = jwks.read_text()
    if certificate:
        sent["certificates"] = {"": [file.read_text() for file in certificate]}
    if subject_dn is not None:
        sent["tls_client_auth"] = {"subject_dn": subject_dn}

    async def work(desk: Desk) -> AppRow:
        who = await operator(desk, place, account, livemode=live)
        read = params.CREATE.parse(sent, "")
        row = prepared(who, read)
        async with desk.pool.acquire() as connection, connection.transaction():
            await keep(connection, who, row, read.get("certificates", ()), request=None)
        return row

    print(at_desk(place, work).id)


@app.command("list")
def list_command(*, live: LiveOption = False, account: AccountOption = None, home: HomeOption = DEFAULT_HOME) -> None:
    """Show the account's apps in one mode."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> list[AppRow]:
        who = await operator(desk, place, account, livemode=live)
        return await find.app_page(desk.pool, who, Page(_MOST, None, None))

    for row in at_desk(place, work):
        print(f"{row.id}  {row.name}  {row.method}  {row.scope}{'  strict' if row.strict else ''}")


@app.command("delete")
def delete_command(
    client_id: Annotated[str, typer.Argument(help="The app's client id.")],
    *,
    live: LiveOption = False,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Delete an app; everything that people let it do ends."""
    place = Home(home.resolve())
    if not client_id.startswith("ca_"):
        raise ConfigError("a client id begins with ca_: see 'lockgate apps list'")

    async def work(desk: Desk) -> None:
        who = await operator(desk, place, account, livemode=live)
        async with desk.pool.acquire() as connection, connection.transaction():
            await delete(connection, who, client_id, request=None)

    at_desk(place, work)
    print(f"{client_id} is deleted")
