"""Runs a search: one fixed function of the database, the clauses given as data; what is committed is found at once."""

import base64
import binascii
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from lockgate.gateway.storage.database import Pool
from lockgate.kernel.errors import Refusal, invalid
from lockgate.kernel.operations import Call
from lockgate.kernel.principal import Principal
from lockgate.kernel.search import MAX_COUNTED, Clause, Query, Subject, as_jsonpath, parse

_MAC_BYTES = 16
_DEFAULT_LIMIT = 10


class Hashes(Protocol):
    """Keyed hashes of an account's own: for what is kept sealed, and for the marks on pages."""

    async def blind_index(self, account: str, name: str, value: str) -> bytes: ...


class Found(NamedTuple):
    """The ids of one page, newest first. ``total`` is None unless it was asked for."""

    ids: list[str]
    next_page: str | None
    total: int | None


async def search(pool: Pool, hashes: Hashes, call: Call, subject: Subject) -> Found:
    """The page that ``call`` (its parameters read by kernel.search.PARAMS) asks for."""
    text, limit = call.params["query"], call.params.get("limit", _DEFAULT_LIMIT)
    query = await _sealed(parse(text, subject.catalogue), hashes, call.principal, table=subject.table)
    pages = _Pages(hashes, call.principal, f"{subject.table}\0{text}")
    before = await pages.read(call.params["page"]) if "page" in call.params else None
    ids = await _ids(pool, call.principal, subject, query=query, before=before, most=limit + 1)
    total = None
    if "total_count" in call.expand:
        total = len(await _ids(pool, call.principal, subject, query=query, before=None, most=MAX_COUNTED))
    kept = ids[:limit]
    return Found(kept, await pages.mark(kept[-1]) if len(ids) > limit else None, total)


def result(url: str, data: Sequence[Any], found: Found) -> dict[str, Any]:
    """The dialect's search result."""
    shown = {
        "object": "search_result",
        "url": url,
        "has_more": found.next_page is not None,
        "next_page": found.next_page,
        "data": list(data),
    }
    return shown if found.total is None else {**shown, "total_count": found.total}


def hashed_as(table: str, path: Sequence[str]) -> str:
    """The name under which a sealed field's keyed hash is made; its values count without regard to case."""
    return f"search.{table}.{'.'.join(path)}"


async def keyed_hash(hashes: Hashes, account: str, *, table: str, path: Sequence[str], value: str) -> str:
    """The keyed hash of a sealed field's value, as it is stored and searched."""
    return (await hashes.blind_index(account, hashed_as(table, path), value.strip().casefold())).hex()


async def _sealed(query: Query, hashes: Hashes, principal: Principal, *, table: str) -> Query:
    """``query`` with keyed hashes in place of what is only kept sealed."""

    async def replaced(clause: Clause) -> Clause:
        if clause.type != "sealed" or clause.value is None:
            return clause
        hash_ = await keyed_hash(
            hashes, principal.account, table=table, path=clause.path, value=str(clause.value)
        )
        return replace(clause, value=hash_)

    return replace(query, clauses=tuple([await replaced(clause) for clause in query.clauses]))


async def _ids(
    pool: Pool, principal: Principal, subject: Subject, *, query: Query, before: str | None, most: int
) -> list[str]:
    anchor, value = _anchor(query, subject.anchors)
    rows = await pool.fetch(
        "select id from search_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) id",
        subject.table,
        principal.account,
        principal.livemode,
        before,
        most,
        as_jsonpath(query),
        *query.bounds("created"),
        *query.bounds("amount"),
        anchor,
        value,
    )
    return [row["id"] for row in rows]


def _anchor(query: Query, anchors: Sequence[str]) -> tuple[str, str | None]:
    """The first of ``anchors`` that every match must have, with its value; of metadata all pairs, as JSON."""
    must = {clause.path: query.only(*clause.path) for clause in query.clauses}
    for name in anchors:
        found = {path[-1]: value for path, value in must.items() if path[0] == name and isinstance(value, str)}
        if name == "metadata" and found:
            return name, json.dumps(found)
        if found:
            return name, found[name].lower() if name == "status" else found[name]
    return "none", None


class _Pages:
    """Marks that carry on one search of one account: another's, or a made-up one, is refused."""

    def __init__(self, hashes: Hashes, principal: Principal, search_: str) -> None:
        self._hashes = hashes
        self._account = principal.account
        self._search = f"{principal.livemode}\0{search_}"

    async def mark(self, last: str) -> str:
        """The mark for what comes after the object ``last``."""
        return base64.urlsafe_b64encode(await self._mac(last) + last.encode()).decode().rstrip("=")

    async def read(self, mark: str) -> str:
        """The object that the page comes after."""
        try:
            raw = base64.b64decode(mark + "=" * (-len(mark) % 4), altchars=b"-_", validate=True)
            last = raw[_MAC_BYTES:].decode("ascii")
        except (binascii.Error, ValueError):
            raise _strange_page() from None
        if not hmac.compare_digest(raw[:_MAC_BYTES], await self._mac(last)):
            raise _strange_page()
        return last

    async def _mac(self, last: str) -> bytes:
        return await self._hashes.blind_index(self._account, f"search.page.{self._search}", last)


def _strange_page() -> Refusal:
    return invalid(
        "This page does not belong to this search: send next_page of its last answer, and the same query.", param="page"
    )
