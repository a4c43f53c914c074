"""Signing in: a password begins it, a second factor finishes it, and only then is there a session."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lockgate.gateway.people import find, guesses, letters, marks, sessions, store, store_signins
from lockgate.gateway.people.core.email import normal
from lockgate.gateway.people.core.letters import LOCKED, NEW_PLACE
from lockgate.gateway.people.core.rows import InvitationRow, SignInRow
from lockgate.gateway.people.find import Found
from lockgate.gateway.people.guesses import Counted
from lockgate.gateway.people.join import join
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.people.records import NOWHERE, as_person, by_person
from lockgate.gateway.people.sessions import Started
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal

BEGUN_S = 10 * 60
MOST_FAILURES = 5
UNLOCK_S = 30 * 60
_PLATFORM = "platform"
ENROLLMENT = ("totp_enrollment", "passkey_enrollment")


class From(NamedTuple):
    """Where a try comes from. ``device`` is the secret that a browser was given when somebody signed in there."""

    address: str
    user_agent: str
    request: str | None
    device: str | None = None


class Checked(NamedTuple):
    """What came of a password: how it was counted, and why it opens nothing, or None."""

    counted: Counted
    why: str | None


class Opened(NamedTuple):
    """A sign-in just written, and the secret that its browser gets."""

    row: SignInRow
    secret: str

    def __repr__(self) -> str:
        return f"Opened({self.row.id})"


class Begun(NamedTuple):
    """A sign-in that waits for a second factor. ``secret`` is shown this once; ``methods`` is what can finish it."""

    id: str
    secret: str
    methods: tuple[str, ...]
    challenge: Mapping[str, Any] | None
    expires_at: int

    def __repr__(self) -> str:
        return f"Begun({self.id})"


class Finished(NamedTuple):
    """A session, the device secret for the next time, and recovery codes where a first factor was enrolled."""

    started: Started
    device: str
    recovery_codes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Finished({self.started.session.id})"


def refused() -> Refusal:
    """The one answer to whoever did not get in: it does not say whether there is such a person, or a lock."""
    return Refusal(
        Kind.UNAUTHENTICATED,
        "The address or the password is wrong, or signing in is locked for a while after too many tries. A passkey, or"
        " the link that was sent to the address, still opens it.",
        code="sign_in_refused",
    )


async def begin(ports: Ports, email: str, password: str, *, from_: From, now: int) -> Begun:
    """Check a password. Whatever is wrong, the same is done and the same is answered."""
    index = await ports.box.blind_index(_PLATFORM, "email", normal(email))
    found = await find.person_by_email(ports.pool, index)
    checked = await check(ports, index, found, password, from_=from_, now=now)
    if found is None or checked.why is not None:
        raise refused()
    async with ports.pool.acquire() as connection, connection.transaction():
        await guesses.was_right(connection, checked.counted)
        opened = await begin_within(connection, found.row.id, from_=from_, now=now)
        told = by_person(
            found.row.id, found.accounts, "person.sign_in_begun", object_=found.row.id, request=from_.request,
            address=from_.address, user_agent=from_.user_agent, detail={"factors": ["password"]},
        )  # fmt: skip
        await insert_audits(connection, told)
    return await described(ports, opened, now=now)


async def check(
    ports: Ports, index: bytes, found: Found | None, password: str, *, from_: From, now: int, joining: bool = False
) -> Checked:
    """Count a try, look at the password, and record what is wrong; ``joining`` may belong to no account yet.

    Whoever calls this takes the count back in the transaction of what a right password opens.
    """
    async with ports.passwords.place():
        counted = await _count(ports, index, found, from_=from_, now=now)
        stored = found.row.password if found is not None and counted.allowed else None
        right = await ports.passwords.matches(stored, password)
        why = _why_not(found, counted, right, joining=joining)
        if why is not None:
            await _refuse(ports, index, found, counted, why=why, from_=from_, now=now)
        elif found is not None and stored is not None and ports.passwords.is_old(stored):
            fresh = await ports.passwords.hash(password)
            await store.renew_hash(ports.pool, found.row.id, old=stored, new=fresh)
    return Checked(counted, why)


async def check_again(ports: Ports, person: str, password: str, *, from_: From, now: int) -> None:
    """Whether this is the password of somebody who is signed in already: guessed at, it locks like any other."""
    row = await find.person(ports.pool, person)
    if row is None:
        raise sessions.ended()
    found = Found(row, await find.accounts_of(ports.pool, person))
    checked = await check(ports, row.email_index, found, password, from_=from_, now=now)
    if checked.why is not None:
        raise Refusal(Kind.FORBIDDEN, "The current password is wrong.", code="password_wrong", param="current_password")
    async with ports.pool.acquire() as connection, connection.transaction():
        await guesses.was_right(connection, checked.counted)


async def begin_within(
    connection: Connection, person: str, *, from_: From, now: int, invitation: InvitationRow | None = None
) -> Opened:
    """A sign-in whose first factor was shown, in the transaction that checked it."""
    secret = marks.draw()
    row = SignInRow(
        id=new_id("sgn"),
        secret_hash=marks.hashed(secret),
        person=person,
        created=now,
        expires_at=now + BEGUN_S,
        failures=0,
        device=marks.hashed(from_.device) if from_.device else None,
        invitation=invitation.id if invitation else None,
        invitation_account=invitation.account if invitation else None,
    )
    await store_signins.insert_sign_in(connection, row)
    return Opened(row, secret)


async def described(ports: Ports, opened: Opened, *, now: int) -> Begun:
    """What can finish a sign-in, once it is committed."""
    person = opened.row.person
    methods = await ports.factors.methods(person)
    challenge = await ports.factors.challenge(person, now=now) if "passkey" in methods else None
    return Begun(opened.row.id, opened.secret, methods or ENROLLMENT, challenge, opened.row.expires_at)


async def waiting(ports: Ports, id_: str, secret: str, *, now: int) -> Begun:
    """A sign-in that was begun, as a page shows it once more, with a challenge of its own."""
    row = await _open(ports, id_, secret, now=now)
    return await described(ports, Opened(row, secret), now=now)


async def prove(ports: Ports, id_: str, secret: str, *, method: str, proof: str, from_: From, now: int) -> Finished:
    """Finish with a second factor that the person has."""
    row = await _open(ports, id_, secret, now=now)
    factor = await _proving(ports, row, ports.factors.prove(row.person, method=method, proof=proof, now=now), from_)
    return await finish(ports, row, factors=("password", factor), from_=from_, now=now)


async def enroll(ports: Ports, id_: str, secret: str, *, method: str, now: int) -> Mapping[str, Any]:
    """Begin the first factor of somebody who has none yet: what their app or authenticator needs."""
    row = await _open(ports, id_, secret, now=now)
    if await ports.factors.methods(row.person):
        raise Refusal(Kind.FORBIDDEN, "There is a second factor already: sign in with it.", code="factor_exists")
    return await ports.factors.enroll(row.person, method=method, email=await email_of(ports, row.person), now=now)


async def confirm(ports: Ports, id_: str, secret: str, *, method: str, proof: str, from_: From, now: int) -> Finished:
    """Finish by showing that the first factor took; with it come the recovery codes."""
    row = await _open(ports, id_, secret, now=now)
    made = await _proving(ports, row, ports.factors.confirm(row.person, method=method, proof=proof, now=now), from_)
    codes = tuple(made.get("recovery_codes", ()))
    done = await finish(ports, row, factors=("password", method), from_=from_, now=now)
    return done._replace(recovery_codes=codes)


async def by_passkey(ports: Ports, ceremony: str, proof: str, *, from_: From, now: int) -> Finished:
    """Sign in with a passkey alone: it verified its user, so it is two factors. No lock of passwords holds it up."""
    try:
        person = await ports.factors.assertion(ceremony, proof, now=now)
    except Refusal as refusal:
        await _witnessed(ports, [NOWHERE], None, reason="passkey", from_=from_)
        raise refused() from refusal
    row = await find.person(ports.pool, person)
    accounts = await find.accounts_of(ports.pool, person)
    if row is None or row.status != "active" or not accounts:
        await _witnessed(ports, accounts or [NOWHERE], person, reason="disabled", from_=from_)
        raise refused()
    async with ports.pool.acquire() as connection, connection.transaction():
        begun, device = await _finished(connection, ports, person, factors=("passkey",), from_=from_, now=now)
    return Finished(await sessions.signed(ports, begun, now=now), device)


async def finish(ports: Ports, row: SignInRow, *, factors: tuple[str, ...], from_: From, now: int) -> Finished:
    """Make the session of a sign-in that has shown two factors; it is good once."""
    async with ports.pool.acquire() as connection, connection.transaction():
        person = await store.lock_person(connection, row.person)
        if not await store_signins.delete_sign_in(connection, row.id):
            raise over()
        if person is None or person.status != "active":
            raise refused()
        if (person.password_changed_at or 0) > row.created:  # begun with the old one, a moment before it was changed
            raise over()
        if row.invitation is not None and row.invitation_account is not None:
            await join(connection, row.person, account=row.invitation_account, invitation=row.invitation, now=now)
        begun, device = await _finished(connection, ports, row.person, factors=factors, from_=from_, now=now)
    return Finished(await sessions.signed(ports, begun, now=now), device)


def over() -> Refusal:
    """The sign-in took too long, failed too often, or was finished before."""
    return Refusal(Kind.UNAUTHENTICATED, "This sign-in is over. Begin again.", code="sign_in_over")


async def email_of(ports: Ports, person: str) -> str:
    """The address of a person; empty once they were erased."""
    return str((await personal_of(ports, person)).get("email") or "")


async def personal_of(ports: Ports, person: str) -> dict[str, Any]:
    """Name and address of a person; nothing once they were erased."""
    row = await find.person(ports.pool, person)
    return await ports.box.open(_PLATFORM, person, row.personal) if row is not None else {}


async def _finished(
    connection: Connection, ports: Ports, person: str, *, factors: tuple[str, ...], from_: From, now: int
) -> tuple[sessions.Begun, str]:
    accounts = await find.accounts_of(connection, person)
    if not accounts:
        raise refused()
    known = await store_signins.known_places(connection, person, [marks.hashed(from_.device or "")[:16]])
    device = from_.device if from_.device and known else marks.draw()
    mark = marks.hashed(device)[:16]
    begun = await sessions.start_within(
        connection,
        ports,
        person,
        factors=factors,
        address=from_.address,
        user_agent=from_.user_agent,
        now=now,
        device=mark,
    )
    first = not await store_signins.any_place(connection, person)
    new = await store_signins.keep_place(connection, person, mark, kind="device", now=now)
    place = marks.address_mark(ports.key, from_.address, person=person)
    new = await store_signins.keep_place(connection, person, place, kind="address", now=now) or new
    if new and not first:
        await letters.send(connection, ports, person, NEW_PLACE, now=now, facts={"address": from_.address})
    detail = {"factors": list(factors), "session": begun.session.id, "new_place": new}
    await insert_audits(
        connection,
        by_person(
            person, accounts, "person.sign_in", object_=person, request=from_.request, address=from_.address,
            user_agent=from_.user_agent, detail=detail,
        ),
    )  # fmt: skip
    return begun, device


async def _open(ports: Ports, id_: str, secret: str, *, now: int) -> SignInRow:
    row = await store_signins.sign_in(ports.pool, id_)
    right = marks.equal(row.secret_hash if row else bytes(32), secret)
    if row is None or not right or row.expires_at <= now or row.failures >= MOST_FAILURES:
        raise over()
    return row


async def _proving(ports: Ports, row: SignInRow, proving: Any, from_: From) -> Any:
    """Await a factor's check; what fails is counted against the sign-in and recorded."""
    try:
        return await proving
    except Refusal:
        await store_signins.count_failure(ports.pool, row.id)
        accounts = await find.accounts_of(ports.pool, row.person)
        await _witnessed(ports, accounts or [NOWHERE], row.person, reason="second_factor", from_=from_)
        raise


async def _count(ports: Ports, index: bytes, found: Found | None, *, from_: From, now: int) -> Counted:
    async with ports.pool.acquire() as connection, connection.transaction():
        return await guesses.count(
            connection,
            ports,
            email_index=index,
            person=found.row.id if found else None,
            address=from_.address,
            device=from_.device,
            now=now,
        )


def _why_not(found: Found | None, counted: Counted, right: bool, *, joining: bool) -> str | None:
    if not counted.allowed:
        return "locked"
    if found is None:
        return "unknown"
    if not right:
        return "password"
    return None if found.row.status == "active" and (found.accounts or joining) else "disabled"


async def _refuse(
    ports: Ports, index: bytes, found: Found | None, counted: Counted, *, why: str, from_: From, now: int
) -> None:
    """Record a failed try; the last one before a lock sends the person a link, wherever they are."""
    person = found.row.id if found else f"unknown_{marks.mark(ports.key, 'email', index).hex()}"
    await _witnessed(ports, (found.accounts if found else None) or [NOWHERE], person, reason=why, from_=from_)
    if found is not None and counted.locks and found.row.status == "active":
        async with ports.pool.acquire() as connection, connection.transaction():
            secret = marks.draw()
            await store.insert_link(
                connection, marks.hashed(secret), person=found.row.id, purpose="unlock", now=now, ends=now + UNLOCK_S
            )
            link = f"{ports.url}/unlock#{secret}"
            await letters.send(connection, ports, found.row.id, LOCKED, now=now, facts={"link": link})
            await insert_audits(
                connection,
                by_person(
                    found.row.id, found.accounts, "person.lock", object_=found.row.id, request=from_.request,
                    address=from_.address, user_agent=from_.user_agent, outcome="refused",
                ),
            )  # fmt: skip


async def _witnessed(ports: Ports, accounts: list[str], person: str | None, *, reason: str, from_: From) -> None:
    for account in accounts:
        who = (
            Principal(account, False, "internal", "unknown", address=from_.address, user_agent=from_.user_agent)
            if person is None or account == NOWHERE
            else as_person(person, account, address=from_.address, user_agent=from_.user_agent)
        )
        await ports.witness.refused(who, "person.sign_in_refused", reason=reason, request=from_.request, object_=person)
