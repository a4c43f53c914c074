"""Reads of radar sessions, of what an account says about the collector, and of typing profiles: the principal first."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from lockgate.gateway.signals.core.session import VALID_S, Session
from lockgate.gateway.signals.core.typing import Profile, profile
from lockgate.gateway.signals.ports import Box
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.vaultlink.client import VaultUnavailable
from lockgate.kernel import log

_logger = log.get("signals")


class Whose(Protocol):
    """An account and a mode: a Principal, or a Subject of a decision."""

    @property
    def account(self) -> str: ...

    @property
    def livemode(self) -> bool: ...


class Setting(NamedTuple):
    """What an account wants of the collector, and what it says about it in place of our own words."""

    collector: str = "notice"
    profiles: bool = True
    notice: str | None = None


class Kept(NamedTuple):
    """A session as its row says, before anything sealed was opened."""

    id: str
    created: int
    device: bytes | None
    is_device_new: bool
    facts: dict[str, Any]
    day: int
    raw: bytes | None
    customer: str | None
    samples: bytes | None


async def session(
    pool: Pool, box: Box, whose: Whose, id_: str, *, now: int, customer: str | None = None
) -> Session | None:
    """The session ``id_`` while a payment may still name it, with the typing profile of ``customer``, else None.

    ``now`` is business time in seconds. One round trip; where the vault does not answer, the session comes without
    what is sealed.
    """
    kept = await row(pool, whose, id_, customer=customer)
    if kept is None or not now - VALID_S < kept.created <= now + VALID_S:
        return None
    raw: dict[str, Any] = {}
    known: dict[str, Any] = {}
    try:
        raw = await box.open(whose.account, subject(kept.day), kept.raw)
        if kept.customer is not None and kept.samples is not None:
            known = await box.open(whose.account, kept.customer, kept.samples)
    except VaultUnavailable:
        _logger.warning("a session is judged without what is sealed of it: the vault does not answer", session=kept.id)
    return Session(
        id=kept.id,
        created=kept.created,
        device=kept.device,
        is_device_new=kept.is_device_new,
        facts=kept.facts,
        samples=raw.get("samples", {}),
        profile=profiles(known),
        address=raw.get("address"),
    )


def subject(day: int) -> str:
    """Under whose key a day's reports are sealed: that key is all there is to destroy."""
    return f"signals.{day}"


def profiles(known: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, Profile]:
    """The profile of everything that enough samples are known of."""
    found = {role: profile(rows) for role, rows in known.items()}
    return {role: made for role, made in found.items() if made is not None}


async def row(pool: Pool, whose: Whose, id_: str, *, customer: str | None = None) -> Kept | None:
    """The row of ``id_``, whatever its age."""
    found = await pool.fetchrow(
        "select s.id, s.created, s.device, s.is_device_new, s.facts, s.day, s.raw, p.customer, p.samples"
        " from risk_session s left join typing_profile p"
        " on p.account = s.account and p.livemode = s.livemode and p.customer = $4"
        " where s.account = $1 and s.livemode = $2 and s.id = $3",
        whose.account,
        whose.livemode,
        id_,
        customer,
    )
    if found is None:
        return None
    id_, created, device, is_new, facts, *rest = found
    return Kept(id_, created, device, is_new, json.loads(facts), *rest)


async def setting(pool: Pool | Connection, whose: Whose) -> Setting:
    """What the account wants of the collector."""
    found = await pool.fetchrow(
        "select collector, profiles, notice from collector_setting where account = $1 and livemode = $2",
        whose.account,
        whose.livemode,
    )
    return Setting() if found is None else Setting(*found)


async def same_device(pool: Pool, whose: Whose, fingerprint: bytes, *, since: int) -> bytes | None:
    """The device that last had this fingerprint, which holds its address too; None where none had since then."""
    return await pool.fetchval(
        "select device from risk_session where account = $1 and livemode = $2 and fingerprint = $3 and created > $4"
        " order by created desc limit 1",
        whose.account,
        whose.livemode,
        fingerprint,
        since,
    )


async def samples(connection: Connection, account: str, livemode: bool, *, customer: str) -> bytes | None:
    """A customer's sealed typing samples, locked until the transaction ends."""
    return await connection.fetchval(
        "select samples from typing_profile where account = $1 and livemode = $2 and customer = $3 for update",
        account,
        livemode,
        customer,
    )
