"""Judges what the audit log has gained: reads a page, moves the windows, opens, extends and ends alerts, all at once.

The page, the windows and the alerts move in one transaction, under a lock that one engine holds: whatever dies, nothing
is judged twice and nothing is left out.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lockgate.gateway.alerts import find, store, store_delivery
from lockgate.gateway.alerts.core import windows
from lockgate.gateway.alerts.core.rule import History, Record, Rule, Told, Use, at_least, whose
from lockgate.gateway.alerts.find import Key
from lockgate.gateway.alerts.owners import APART_MS, OWNER
from lockgate.gateway.alerts.ports import Owners, Telling
from lockgate.gateway.alerts.registry import ON_RECORDS, ON_USES, RULES
from lockgate.gateway.alerts.store import AlertRow
from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.core.place import Place
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel import log
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal
from lockgate.kernel.source import source

MOST_OPEN = 25
"""Alerts of one rule and account that may be open; what comes beyond is told of once, together."""
MOST_EVIDENCE = 10
EVERYTHING_ELSE = "*"
FRESH_MS = 60_000
"""A known place's last use is noted to the minute."""
MOST_NOTED = 50_000
OWNERS_FROM = "medium"
WATCH, MAIL = "watch_weakened", "mail_failing"
WORTH_NOTING = 200
"""How far the engine goes on through nothing of interest before it writes down how far it has come."""
_WORKER = "worker"
_logger = log.get("alerts")


class Hit(NamedTuple):
    """One happening that counts for ``rule`` and ``subject``."""

    rule: Rule
    account: str
    subject: str
    at_ms: int
    summary: str
    evidence: Mapping[str, Any]

    @property
    def key(self) -> Key:
        return Key(self.account, self.rule.name, self.subject)


@dataclass(slots=True)
class _Standing:
    """What is known of one key while a page is judged: its window, and its alert if one is not resolved."""

    state: windows.State
    alert: str | None = None
    count: int = 0
    evidence: list[dict[str, object]] = field(default_factory=list)
    moved: bool = False


class Judge:
    """One worker's engine. What it remembers only saves it work: another one would decide the same."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._noted: dict[tuple[str, str, str], int] = {}

    async def run(self) -> int:
        """Judge the next page; how many happenings counted, or 1 where more pages wait."""
        try:
            return await self._page()
        except BaseException:
            self._noted.clear()  # what it noted last may have been undone
            raise

    async def _page(self) -> int:
        now_ms = self._telling.now_ms()
        async with self._telling.ports.pool.acquire() as connection, connection.transaction():
            page = await store.take_page(connection)
            if page is None:
                return 0
            records, uses = await find.gained(connection, page, ON_RECORDS)
            hits = list(_of_records(records))
            for used in uses:
                hits += await self._of_use(connection, used)
            if hits:
                bench = _Bench(connection, self._telling.owners, now_ms=now_ms)
                await bench.hear(sorted(hits, key=lambda hit: hit.at_ms))
            if page.whole:
                await _end_quiet(connection, now_ms)
            if records or uses or page.end - page.first >= WORTH_NOTING:
                await store.advance(connection, page)
        return len(hits) or (0 if page.whole else 1)

    async def _of_use(self, connection: Connection, used: find.Used) -> list[Hit]:
        """What the rules over uses say; a place that was noted within the last minute is not looked at again."""
        place = (used.account, used.actor, used.address)
        if 0 <= used.last_ms - self._noted.get(place, -FRESH_MS) < FRESH_MS:
            return []
        hits = await _judge_use(connection, used, self._telling.places.of(used.address))
        if len(self._noted) >= MOST_NOTED:
            self._noted.clear()
        self._noted[place] = used.last_ms
        return hits


def _of_records(records: Sequence[Record]) -> Iterator[Hit]:
    """A request that left a record in each of a person's accounts is one happening for the operator."""
    heard: set[tuple[str, str]] = set()
    for one in records:
        for rule in ON_RECORDS[one.action]:
            try:
                subject, summary = rule.subject(one), rule.summary(one)
            except Exception:  # a record that one rule cannot read must not stop all others
                _logger.exception("a rule could not read a record", rule=rule.name, record=one.id)
                continue
            if subject is None:
                continue
            if rule.scope == "platform" and one.request is not None:
                if (rule.name, one.request) in heard:
                    continue
                heard.add((rule.name, one.request))
            evidence = {
                "record": one.id,
                "account": one.account,
                "at": one.at_ms // 1000,
                "action": one.action,
                "actor": one.actor,
                "address": one.address,
            }
            yield Hit(rule, whose(rule, one.account), subject[:200], one.at_ms, summary, evidence)


async def _judge_use(connection: Connection, used: find.Used, place: Place) -> list[Hit]:
    use = Use(
        used.account,
        used.actor,
        used.address,
        source(used.address),
        place,
        first_ms=used.first_ms,
        last_ms=used.last_ms,
        record=used.record,
    )
    known = await find.known(connection, use.account, use.actor)
    history = History(known, await find.countries(connection, use.account, use.actor))
    evidence = {
        "record": use.record,
        "account": use.account,
        "at": use.first_ms // 1000,
        "actor": use.actor,
        "address": use.address,
        "country": place.country,
    }
    hits = []
    for rule in ON_USES:
        summary = rule.judge(use, history)
        if summary is not None:
            hits.append(Hit(rule, whose(rule, use.account), rule.subject(use), use.first_ms, summary, evidence))
    await store.learn(connection, use, fresh_ms=FRESH_MS)
    return hits


async def _end_quiet(connection: Connection, now_ms: int) -> None:
    for account, id_, rule in await store.end_quiet(connection, now_ms=now_ms):
        await _note(connection, account, "alert.ended", id_, rule=rule)
    await store.purge_windows(connection, now_ms=now_ms)


async def _note(connection: Connection, account: str, action: str, id_: str, *, rule: str, **detail: Any) -> None:
    who = Principal(account, False, "internal", _WORKER)
    await insert_audits(connection, [record(who, action, object_=id_, request=None, detail={"rule": rule, **detail})])


class _Bench:
    """Hears the hits of one page, in order, and writes down what comes of them."""

    def __init__(self, connection: Connection, owners: Owners, *, now_ms: int) -> None:
        self._connection = connection
        self._owners = owners
        self._now_ms = now_ms
        self._standing: dict[Key, _Standing] = {}
        self._open: Counter[tuple[str, str]] = Counter()
        self._overrides: Mapping[tuple[str, str], tuple[int | None, bool]] = {}

    async def hear(self, hits: Sequence[Hit]) -> None:
        await self._read(hits)
        for hit in hits:
            threshold, enabled = self._overrides.get((hit.account, hit.rule.name), (None, True))
            if enabled:
                await self._one(hit, threshold or hit.rule.threshold)
        await self._write()

    async def _read(self, hits: Sequence[Hit]) -> None:
        keys = {hit.key for hit in hits}
        keys |= {key._replace(subject=EVERYTHING_ELSE) for key in keys}
        wanted = sorted(keys)
        accounts = sorted({key.account for key in keys})
        self._overrides = await find.overrides(self._connection, accounts)
        self._open.update(await find.unresolved(self._connection, accounts))
        standing = await find.standing(self._connection, wanted)
        times = await find.windows(self._connection, wanted)
        for key in wanted:
            alert = standing.get(key)
            if alert is None:
                self._standing[key] = _Standing(windows.State(times.get(key, ())))
            else:
                state = windows.State((), open=True, last_ms=alert.last_ms)
                self._standing[key] = _Standing(state, alert.id, alert.count_, list(alert.evidence))

    async def _one(self, hit: Hit, threshold: int) -> None:
        rule, standing = hit.rule, self._standing[hit.key]
        step = windows.step(
            standing.state,
            hit.at_ms,
            threshold=threshold,
            window_ms=rule.window_s * 1000,
            quiet_ms=None if rule.quiet_s is None else rule.quiet_s * 1000,
        )
        if step.closed and standing.alert is not None:
            await store.end_alert(self._connection, hit.account, standing.alert, now=self._now_ms // 1000)
            await _note(self._connection, hit.account, "alert.ended", standing.alert, rule=rule.name)
            self._open[hit.account, rule.name] -= 1
            standing.alert, standing.count, standing.evidence = None, 0, []
        standing.state, standing.moved = step.state, True
        standing.evidence = [*standing.evidence, dict(hit.evidence)][-MOST_EVIDENCE:]
        if step.fired:
            await self._fire(hit, step)
        elif step.state.open:
            standing.count += 1

    async def _fire(self, hit: Hit, step: windows.Step) -> None:
        account, name = hit.account, hit.rule.name
        standing, key = self._standing[hit.key], hit.key
        if self._open[account, name] >= MOST_OPEN and hit.subject != EVERYTHING_ELSE:
            standing.state = windows.State()
            await store.drop_window(self._connection, key)
            await self._one(hit._replace(subject=EVERYTHING_ELSE), 1)
            return
        now = self._now_ms // 1000
        silence = await store_delivery.silence(self._connection, account, rule=name, subject=hit.subject, now=now)
        standing.alert, standing.count = new_id("alrt"), step.number
        await store.drop_window(self._connection, key)
        await store.insert_alert(
            self._connection,
            AlertRow(
                account=account,
                id=standing.alert,
                rule=name,
                subject=hit.subject,
                severity=hit.rule.severity,
                summary=hit.summary[:500],
                count_=step.number,
                first_ms=step.first_ms,
                last_ms=step.state.last_ms,
                opened_ms=self._now_ms,
                quiet_ms=None if hit.rule.quiet_s is None else hit.rule.quiet_s * 1000,
                silence=silence,
                evidence=json.dumps(standing.evidence),
            ),
        )
        self._open[account, name] += 1
        await _note(self._connection, account, "alert.open", standing.alert, rule=name, silence=silence)
        if silence is None:
            await self._tell(hit, standing.alert)

    async def _tell(self, hit: Hit, alert: str) -> None:
        """By the account's routes; the owners by mail where there is none, and always when the watch was weakened."""
        account, severity = hit.account, hit.rule.severity
        routes = await store_delivery.routes(self._connection, account)
        for route in routes:
            if at_least(severity, route.min_severity) and not _is_broken(route, hit.rule, hit.subject):
                await self._put(account, alert, route.id)
        if (not routes or hit.rule.name == WATCH) and at_least(severity, OWNERS_FROM) and hit.rule.name != MAIL:
            apart_ms = 0 if severity == "critical" else APART_MS
            for person in await self._owners.of(self._connection, account):
                await self._put(account, alert, OWNER + person, apart_ms=apart_ms)

    async def _put(self, account: str, alert: str, route: str, *, apart_ms: int = 0) -> None:
        await store_delivery.put(
            self._connection, account, id_=new_id("alrd"), alert=alert, route=route, now_ms=self._now_ms,
            apart_ms=apart_ms,
        )  # fmt: skip

    async def _write(self) -> None:
        for key, standing in self._standing.items():
            if not standing.moved:
                continue
            if standing.alert is not None:
                await store.extend_alert(
                    self._connection,
                    key.account,
                    standing.alert,
                    count=standing.count,
                    last_ms=standing.state.last_ms,
                    evidence=standing.evidence,
                )
            elif standing.state.pending:
                until_ms = standing.state.pending[-1] + RULES[key.rule].window_s * 1000 + windows.LATE_MS
                await store.keep_window(self._connection, key, standing.state.pending, until_ms=until_ms)


def _is_broken(route: store_delivery.RouteRow, rule: Told, subject: str) -> bool:
    """Whether the alert is about this very route: then the others tell of it."""
    return (rule.name == "alert_route_failing" and subject == route.id) or (
        rule.name == MAIL and route.kind == "email"
    )
