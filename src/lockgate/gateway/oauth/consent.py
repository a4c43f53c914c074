"""A person's decision about an app: what is asked, what can be given, and what comes of it."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.core.permissions import intersection, union
from lockgate.gateway.oauth import find, find_grants, issue, publishable, store, store_tokens
from lockgate.gateway.oauth.authorize import answer_fields
from lockgate.gateway.oauth.core import handles, redirects, scopes, words
from lockgate.gateway.oauth.core.clients import Client
from lockgate.gateway.oauth.core.errors import invalid_request
from lockgate.gateway.oauth.core.request import Asked
from lockgate.gateway.oauth.core.rows import CodeRow, GrantRow, RequestRow
from lockgate.gateway.oauth.core.words import Choice
from lockgate.gateway.oauth.find_grants import Given
from lockgate.gateway.oauth.ports import Guest, Memberships, Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel.ids import new_id, random_token
from lockgate.kernel.operations import Visit
from lockgate.kernel.principal import Access, Principal

AUTHORIZED = "account.application.authorized"
FIELD = "may_"
FRESH_S = 5 * 60
"""How old the last proof of a factor may be in a session that lets an app send money out."""
_MONEY = ("payouts", "refunds")


class Stale(Exception):
    """The person must prove a factor again before this can be given."""


class Offer(NamedTuple):
    """What a person is asked. ``withheld`` is asked for too, and not theirs to give."""

    client: Client
    asked: Asked
    accounts: Mapping[str, str]
    account: str | None
    choices: Sequence[Choice]
    withheld: Sequence[str]
    again: bool


async def offer(ports: Ports, ticket: str, guest: Guest, *, account: str | None, now: int) -> Offer:
    """The request under ``ticket``, which from now on is this person's to decide."""
    row = await find.opened_request(ports.pool, ticket, now=now)
    client = await find.client_by_id(ports.pool, row.app) if row else None
    if row is None or client is None or not await store.claim_request(ports.pool, row, person=guest.person):
        raise _over()
    asked = Asked(**json.loads(row.asked))
    theirs = await ports.memberships(guest.person)
    if account not in theirs:
        account = next(iter(theirs), None)
    before = await _before(ports.pool, guest, account, client) if account else None
    wanted = intersection(scopes.read(asked.scope), client.scope)
    most = _most(wanted, theirs, account)
    same = before is not None and before.asked == asked.scope
    chosen = intersection(most, scopes.read(before.scope)) if before and same else most
    return Offer(
        client=client,
        asked=asked,
        accounts=await ports.account_names(list(theirs)),
        account=account,
        choices=words.choices(most, chosen),
        withheld=sorted(words.PLAIN[name].name for name in wanted if most.get(name) != wanted[name]),
        again=same,
    )


def check_fresh(given: Mapping[str, Access], guest: Guest, *, now: int) -> None:
    """Raises Stale where an app would come to send money out by a session that nobody has proved for a while."""
    if any(given.get(name) == "write" for name in _MONEY) and now - guest.proved_at > FRESH_S:
        raise Stale


async def allow(ports: Ports, visit: Visit, guest: Guest) -> tuple[str, Asked] | None:
    """Where the browser goes on to, with a code; None if nothing was chosen, and nothing is decided then."""
    account = visit.fields.get("account", "")
    theirs = await ports.memberships(guest.person)
    ticket = visit.path["ticket"]
    row = await find.opened_request(ports.pool, ticket, now=visit.now)
    client = await find.client_by_id(ports.pool, row.app) if row else None
    if row is None or client is None or account not in theirs:
        raise _over()
    asked = Asked(**json.loads(row.asked))
    most = _most(intersection(scopes.read(asked.scope), client.scope), theirs, account)
    given = intersection(most, _ticked(visit.fields))
    if not given:
        return None
    check_fresh(given, guest, now=visit.now)
    who = _person(visit, guest, account, client.livemode)
    await ports.addresses.check_endpoint(who, "consent", resource="authorizations", request=visit.request_id)
    code = handles.build("ac", account=account, random=random_token(handles.RANDOM_LENGTH))
    async with ports.pool.acquire() as connection, connection.transaction():
        await _take(connection, row, guest)
        before = await _before(connection, guest, account, client)
        kept = scopes.write(_merged(before, given, most))
        grant = await store.keep_grant(connection, _grant(who, client, asked.scope, kept, now=visit.now))
        if client.method == "secret_key":
            await publishable.ensure(
                connection, ports, client, account=account, grant=grant, request=visit.request_id
            )
        await store_tokens.insert_code(
            connection,
            CodeRow(
                account=account,
                livemode=client.livemode,
                hash=handles.hashed(code),
                created=visit.now,
                expires_at=visit.now + issue.CODE_S,
                grant_id=grant,
                app=client.id,
                scope=scopes.write(given),
                asked=row.asked,
                session=None,
            ),
        )
        detail = {"app": client.id, "asked": asked.scope, "scope": scopes.write(given)}
        await insert_audits(
            connection, [record(who, AUTHORIZED, object_=grant, request=visit.request_id, detail=detail)]
        )
    return redirects.onward(asked.redirect_uri, answer_fields(ports, asked.state, {"code": code})), asked


async def deny(ports: Ports, visit: Visit, guest: Guest) -> str:
    """Where the browser goes on to, with a no."""
    row = await find.opened_request(ports.pool, visit.path["ticket"], now=visit.now)
    if row is None:
        raise _over()
    asked = Asked(**json.loads(row.asked))
    who = _person(visit, guest, row.account, row.livemode)
    async with ports.pool.acquire() as connection, connection.transaction():
        await _take(connection, row, guest)
        denied = record(who, "authorization.deny", object_=row.app, request=visit.request_id, outcome="refused")
        await insert_audits(connection, [denied])
    fields = {"error": "access_denied", "error_description": "The person said no."}
    return redirects.onward(asked.redirect_uri, answer_fields(ports, asked.state, fields))


async def _before(
    pool: store.Pool | store.Connection, guest: Guest, account: str, client: Client
) -> Given | None:
    return await find_grants.live_grant(
        pool, account=account, livemode=client.livemode, app=client.id, person=guest.person
    )


def _merged(
    before: Given | None, given: Mapping[str, Access], most: Mapping[str, Access]
) -> Mapping[str, Access]:
    """What the grant holds from now on: of what was not asked about this time, what it held before.

    Where the most that was offered was taken, nothing was taken away; anything less was meant.
    """
    if before is None:
        return given
    earlier = scopes.read(before.scope)
    untouched = {name for name in earlier if given.get(name) == most.get(name)}
    return union((given, scopes.only(earlier, untouched)))


def _most(wanted: Mapping[str, Access], theirs: Memberships, account: str | None) -> dict[str, Access]:
    return {} if account is None else intersection(wanted, theirs[account])


def _ticked(fields: Mapping[str, str]) -> dict[str, Access]:
    levels: Mapping[str, Access] = {"read": "read", "write": "write"}
    return {
        name: levels[fields[FIELD + name]] for name in scopes.GRANTABLE if fields.get(FIELD + name) in levels
    }


async def _take(connection: store.Connection, row: RequestRow, guest: Guest) -> None:
    taken = await store.take_request(
        connection, account=row.account, hash_=row.hash, state="opened", app=row.app
    )
    if taken is None or taken.person != guest.person:
        raise _over()


def _person(visit: Visit, guest: Guest, account: str, livemode: bool) -> Principal:
    return Principal(
        account, livemode, "person", guest.person, address=visit.address, user_agent=visit.user_agent,
        roles=guest.roles.get(account, ()), session=guest.session,
    )  # fmt: skip


def _grant(who: Principal, client: Client, asked: str, scope: str, *, now: int) -> GrantRow:
    return GrantRow(
        account=who.account,
        livemode=client.livemode,
        id=new_id("apg"),
        created=now,
        updated=now,
        person=who.id,
        app_account=client.account,
        app=client.id,
        asked=asked,
        scope=scope,
        last_used_at=None,
        revoked_at=None,
        revoked_by=None,
    )


def _over() -> Exception:
    return invalid_request("This request was decided, has expired, or is somebody else's. Start again at the app.")
