"""Proves of stored decisions that the rules say of them today what they said then: online, and by the back-test."""

import json
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.rules import find, find_past
from lockgate.gateway.rules.core.packed import memberships, unpack
from lockgate.gateway.rules.core.ruleset import Ruleset
from lockgate.gateway.rules.find_past import Past
from lockgate.gateway.storage.database import Pool

BATCH = 500


@dataclass(slots=True)
class Replayed:
    """``decisions`` were replayed under ``rulesets`` revisions; ``different`` names those that did not come out alike,
    with (rule, version) then, online now, and by the back-test now. Decisions that an error cut short name no rules."""

    decisions: int = 0
    rulesets: int = 0
    different: list[tuple[str, Any, Any, Any]] = field(default_factory=list)


async def replay(pool: Pool, account: str, livemode: bool) -> Replayed:
    """Replay every stored decision of an account and mode with the version of the rules that it names."""
    result = Replayed()
    known: dict[int, Ruleset] = {}
    after = ""
    while True:
        past = await find_past.decisions(pool, account, livemode, after=after, most=BATCH)
        if not past:
            result.rulesets = len(known)
            return result
        after = past[-1].id
        by_revision: dict[int, list[Past]] = {}
        for one in past:
            if one.ruleset.isdigit():
                by_revision.setdefault(int(one.ruleset), []).append(one)
        for revision, those in by_revision.items():
            if revision not in known:
                known[revision] = await find.ruleset_at(pool, account, livemode, revision=revision)
            result.different += await _compared(pool, account, livemode, ruleset=known[revision], past=those)
            result.decisions += len(those)


async def _compared(
    pool: Pool, account: str, livemode: bool, *, ruleset: Ruleset, past: list[Past]
) -> list[tuple[str, Any, Any, Any]]:
    ids = [one.id for one in past]
    names = {(named.id, named.version) for named in ruleset.rules}
    tested: dict[str, set[tuple[str, int]]] = {id_: set() for id_ in ids}
    for named in ruleset.rules:
        for id_ in await find_past.matches(pool, account, livemode, rule=named.rule, decisions=ids):
            tested[id_].add((named.id, named.version))
    found = []
    for one in past:
        data = json.loads(one.data)
        if data.get("faults"):
            continue
        then = {(id_, version) for id_, version, _, _ in data.get("rules", ()) if version is not None}
        attributes = unpack(one.attributes, json.loads(one.others), data.get("attributes", {}))
        hits = ruleset.evaluate(attributes, memberships(one.attributes, data.get("lists", {}))).hits
        now = {(hit.id, hit.version) for hit in hits}
        if not (then == now == tested[one.id] and then <= names):
            found.append((one.id, sorted(then), sorted(now), sorted(tested[one.id])))
    return found
