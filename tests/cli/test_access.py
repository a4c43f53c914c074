"""``lockgate access review``: a table that a spreadsheet reads as text, whatever people called their keys."""

import csv
import io

from lockgate.cli.access import table
from lockgate.gateway.access import render
from lockgate.gateway.access.core.holders import EVERY_S, Holder

NOW = 1_800_000_000


def test_a_name_cannot_become_a_formula() -> None:
    holders = [
        Holder("key", "key_1", '=cmd|"/c calc"!A1', True, (), {"refunds": "write", "charges": "none"}, "person:usr_1",
               NOW - EVERY_S - 1, None, None),
        Holder("person", "usr_1", "ada@shop.test", None, ("owner", "finance"), {"charges": "read"}, None, NOW,
               None, NOW),
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(table([render.holder(one, now=NOW) for one in holders]))))
    assert rows[0]["label"].startswith("'=cmd") and rows[0]["permissions"] == "refunds=write"
    assert (rows[0]["strong"], rows[0]["unused_90_days"], rows[0]["last_used_at"]) == ("true", "true", "")
    assert (rows[1]["roles"], rows[1]["livemode"], rows[1]["strong"]) == ("owner finance", "", "false")
    assert rows[1]["last_used_at"] == "2027-01-15T08:00:00Z"
