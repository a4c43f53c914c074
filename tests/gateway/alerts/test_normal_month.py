"""Thirty days of an ordinary shop: what the rules say of it is counted, and planted attacks stand out."""

import json
import random
from collections import Counter

from lockgate.gateway.identity.core.place import Place
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.ids import new_id
from tests.gateway.alerts.desk import ACCOUNT, START, open_room

DAY_MS = 86_400_000
OFFICE, HOME_OFFICE, PHONE, TRAIN = "203.0.113.10", "203.0.113.20", "198.51.100.30", "198.51.100.31"
SERVERS = ("192.0.2.10", "192.0.2.11")
ABROAD = "198.51.100.200"
ATLAS = {
    OFFICE: Place("DE", 52.52, 13.40, 50),
    HOME_OFFICE: Place("DE", 52.39, 13.06, 50),
    PHONE: Place("DE", 52.50, 13.40, 200),
    TRAIN: Place("DE", 51.34, 12.37, 200),
    SERVERS[0]: Place("DE", 50.11, 8.68, 20),
    SERVERS[1]: Place("DE", 50.11, 8.68, 20),
    ABROAD: Place("BR", -23.55, -46.63, 50),
}


def happening(at_ms, action, actor, *, address, outcome="done", **detail):
    return AuditRow(
        ACCOUNT, True, new_id("aud"), int(at_ms), action, outcome, actor, None, address, None, json.dumps(detail), None
    )


def month(random_):
    """Six people on weekdays, at work, at home and under way; two servers all the time; people who mistype."""
    rows = []
    for day in range(30):
        begins = START + day * DAY_MS
        if day % 7 < 5:
            for person in range(6):
                actor = f"person:per_{person}"
                at = begins + random_.uniform(7, 10) * 3_600_000
                for _ in range(random_.choice((0, 0, 0, 0, 1, 1, 2, 3))):  # mistyped, seconds apart, four at most
                    rows.append(
                        happening(
                            at, "person.sign_in_refused", actor, address=OFFICE, outcome="refused", reason="password"
                        )
                    )
                    at += random_.uniform(4, 20) * 1000
                for _ in range(random_.randint(3, 8)):
                    where = random_.choice((OFFICE, OFFICE, OFFICE, HOME_OFFICE, PHONE, TRAIN))
                    rows.append(happening(at, "request.seen", actor, address=where, operation="charge.list", count=7))
                    at += random_.uniform(5, 90) * 60_000
        for hour in range(24):
            for server in SERVERS:
                at = begins + (hour + random_.random()) * 3_600_000
                rows.append(happening(at, "payment_intent.create", "secret:mk_shop", address=server))
        if day % 3 == 0:  # a crawler that tries a door or two
            for n in range(random_.randint(1, 4)):
                at = begins + random_.random() * DAY_MS
                rows.append(
                    happening(at + n * 9000, "authentication.refused", "internal:unknown", address="45.0.2.9",
                              outcome="refused", reason="unknown_key")
                )  # fmt: skip
    return sorted(rows, key=lambda row: row.created_ms)


async def run(room, rows):
    """Judge the month day by day, as the worker would have."""
    day = 0
    portion = []
    for row in [*rows, None]:
        if row is None or (row.created_ms - START) // DAY_MS != day:
            await insert_audits(room.gateway, portion)
            room.now_ms = START + (day + 1) * DAY_MS
            await room.judge()
            portion = []
        if row is not None:
            day = (row.created_ms - START) // DAY_MS
            portion.append(row)


async def test_a_normal_month_is_silent_but_for_a_second_server_and_planted_attacks_are_told(database):
    async with open_room(database, ATLAS) as room:
        rows = month(random.Random(4))
        assert len(rows) > 2000
        await run(room, rows)
        told = Counter(row["rule"] for row in await room.alerts())
        # The second server's first request, and nothing else: one low alert in over 2000 records.
        assert told == {"key_new_address": 1}

        attack = START + 31 * DAY_MS
        room.now_ms = attack + DAY_MS
        planted = [happening(attack, "request.seen", "person:per_1", address=OFFICE, operation="charge.list", count=1)]
        planted += [
            happening(attack + 60_000 + n * 11_000, "person.sign_in_refused", "person:per_1", address=ABROAD,
                      outcome="refused", reason="password")
            for n in range(5)
        ]  # fmt: skip
        planted += [
            happening(attack + 1_800_000, "request.seen", "person:per_1", address=ABROAD, operation="c", count=1),
            happening(attack + 1_900_000, "role.granted", "person:per_1", address=ABROAD, roles=["owner"]),
            happening(attack + 2_000_000, "payout.create", "secret:mk_shop", address=ABROAD),
        ]
        await insert_audits(room.gateway, planted)
        await room.judge()
        found = Counter(row["rule"] for row in await room.alerts()) - told
        assert found == {
            "failed_authentications.account": 1,
            "failed_authentications.credential": 1,
            "failed_authentications.address": 1,
            "new_country": 2,
            "impossible_travel": 1,  # the key had a day for its way
            "key_new_address": 1,
            "privilege_granted": 1,
        }
