"""Counts tries at a password in the database, before they are looked at: by person, by address, or by a known place."""

from collections.abc import Sequence
from typing import NamedTuple

from lockgate.gateway.people import marks, store_signins
from lockgate.gateway.people.core import lockout
from lockgate.gateway.people.core.lockout import Rule
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.storage.database import Connection

NOBODY = "-"


class Bucket(NamedTuple):
    """One count and its rule. ``kept`` ones are not forgotten by a success: others failed there too."""

    key: bytes
    rule: Rule
    kept: bool = False


class Counted(NamedTuple):
    """A try that was counted in ``buckets``: whether it may go on, and whether it is the last one before a lock."""

    buckets: tuple[Bucket, ...]
    allowed: bool
    locks: bool
    known_place: bool


async def count(
    connection: Connection,
    ports: Ports,
    *,
    email_index: bytes,
    person: str | None,
    address: str,
    device: str | None,
    now: int,
) -> Counted:
    """Count one try at a password, in a transaction that commits before the password is looked at.

    Where the person signed in from before, only that place counts: whoever guesses elsewhere cannot lock them out.
    """
    buckets, known = await _buckets(
        connection, ports, email_index=email_index, person=person, address=address, device=device
    )
    allowed, locks = True, False
    for bucket in buckets:
        if not allowed:
            break  # a locked address is looked at no further: it cannot lock one person after the other
        tried = lockout.attempt(bucket.rule, await store_signins.lock_failures(connection, bucket.key), now)
        await store_signins.keep_failures(connection, bucket.key, tried.kept)
        allowed = tried.allowed
        locks = locks or (tried.locks and not bucket.kept)
    return Counted(buckets, allowed, locks, known)


async def was_right(connection: Connection, counted: Counted) -> None:
    """The try was no failure: the person's count begins anew, an address forgets this one try."""
    for bucket in counted.buckets:
        if not bucket.kept:
            await store_signins.forget_failures(connection, bucket.key)
        else:
            kept = await store_signins.lock_failures(connection, bucket.key)
            if kept is not None:
                await store_signins.keep_failures(connection, bucket.key, lockout.taken_back(kept))


async def unlock(connection: Connection, ports: Ports, *, email_index: bytes) -> None:
    """The person has confirmed by mail who they are: the count for everybody else's places begins anew."""
    await store_signins.forget_failures(connection, _of_person(ports, email_index))


async def _buckets(
    connection: Connection, ports: Ports, *, email_index: bytes, person: str | None, address: str, device: str | None
) -> tuple[tuple[Bucket, ...], bool]:
    who = person or NOBODY
    places: Sequence[bytes] = [
        marks.hashed(device or "")[:16],
        marks.address_mark(ports.key, address, person=who),
    ]
    known = await store_signins.known_places(connection, who, places)
    for place in places:
        if place in known:
            return (Bucket(marks.mark(ports.key, "place", who, place), lockout.PLACE),), True
    # The address first, always: in one order two never wait for each other.
    return (
        Bucket(marks.address_mark(ports.key, address), lockout.ADDRESS, kept=True),
        Bucket(_of_person(ports, email_index), lockout.PERSON),
    ), False


def _of_person(ports: Ports, email_index: bytes) -> bytes:
    return marks.mark(ports.key, "person", email_index)
