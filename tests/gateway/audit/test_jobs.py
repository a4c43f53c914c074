"""What the clock calls: retention by policy only, alarms, the watch on clocks, and what searching costs."""

import json
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from lockgate.gateway.audit import backlog, find_records, jobs, publish, retire, watch_clock
from lockgate.gateway.audit.core.drift import Alarm, Drift
from lockgate.gateway.audit.find_records import Wanted
from lockgate.gateway.audit.ports import Policy, Ports, policy
from lockgate.gateway.storage.paging import Page
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError
from lockgate.kernel.principal import Principal
from tests.gateway.audit.room import ACCOUNT, ORIGIN, Room

DAY_MS = 86_400_000


def job(ports: Ports, name: str) -> jobs.Job:
    return next(one for one in jobs.jobs(ports) if one.name == name)


async def actions(room: Room) -> list[str]:
    rows = await room.vandal.fetch("select action from audit where account = '-' order by id")
    return [row["action"] for row in rows]


def kept_for(room: Room, days: int) -> Ports:
    return replace(room.ports, policy=replace(room.ports.policy, retention_days=days))


async def sign_long_ago(room: Room, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    then = clock.now_ms() - days * DAY_MS
    await room.write(5, created_ms=then)
    await room.seal()

    class Past:
        """The vault's clock, that long ago."""

        now_ms = staticmethod(lambda: then + 1_000)

    with monkeypatch.context() as patched:
        patched.setattr("lockgate.vault.checkpoints.clock", Past)
        await room.sign()


async def test_old_records_leave_by_the_policy_and_the_rest_still_verifies(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_long_ago(room, monkeypatch, 400)
    await room.filled(3)
    assert await retire.portion(room.ports) == 0, "without a policy nothing ever leaves"
    assert await retire.portion(kept_for(room, 500)) == 0
    assert await retire.portion(kept_for(room, 380)) == 5
    assert await retire.portion(kept_for(room, 380)) == 0
    assert await room.ports.sealing.fetchval("select count(*) from audit") == 4
    [told] = await room.vandal.fetch("select detail from audit where action = 'audit.retired'")
    said = json.loads(told["detail"])
    assert (said["records"], said["size"], said["older_than_days"]) == (5, 5, 380)
    await room.seal()
    await room.sign()
    checked = await room.check()
    assert checked.faults == [] and checked.records == 9
    await room.vandal.execute("delete from audit where id = (select record from audit_seal where seq = 6)")
    assert await room.kinds() == {"deleted"}


async def test_nothing_younger_than_a_year_leaves_whatever_is_asked(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_long_ago(room, monkeypatch, 300)
    with pytest.raises(asyncpg.RaiseError, match="more than a year ago"):
        await room.ports.sealing.fetchval(
            "select retire_audit_v1(5, 10, row('-', false, 'aud_x', 1, 'audit.retired', 'done', 'x', null, null, null,"
            " '{}', null, null)::audit)"
        )
    await room.vandal.execute("update audit_checkpoint set at_ms = 0")
    assert await retire.portion(kept_for(room, 380)) == 0, "the records themselves are too young"
    with pytest.raises(asyncpg.RaiseError, match="not the record"):
        await room.ports.sealing.fetchval(
            "select retire_audit_v1(5, 10, row($1::text, false, 'aud_x', 1, 'payout.create', 'done', 'x', null, null,"
            " null, '{}', null, null)::audit)", ACCOUNT
        )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await room.ports.pool.fetchval("select retire_audit_v1(5, 10, null)")


async def test_an_invented_retirement_excuses_nothing_that_is_not_a_year_old(room: Room) -> None:
    await room.filled(4)
    await room.vandal.execute(
        "insert into audit select '-', false, 'aud_fake', created_ms, 'audit.retired', 'done', actor, null, null, null,"
        " '{\"size\": 4}', null from audit limit 1"
    )
    await room.vandal.execute("delete from audit where account <> '-'")
    await room.seal()
    await room.sign()
    assert await room.kinds() == {"deleted"}


async def test_sealing_and_checkpoints_run_by_the_clock_and_alarm_once(room: Room, tmp_path: Path) -> None:
    ports = room.writing_to(tmp_path)
    seal = job(ports, "audit.seal")
    await room.write(3)
    assert await seal.run() == 0
    assert (tmp_path / publish.FILE).read_text().count("\n") == 1
    await room.write(2)
    await seal.run()
    assert await room.ports.sealing.fetchval("select count(*) from audit_checkpoint") == 1, "once a minute"
    await room.write(1)
    await room.vandal.execute("update audit_checkpoint set at_ms = at_ms - 61000")
    await seal.run()
    assert await room.ports.sealing.fetchval("select count(*) from audit_checkpoint") == 2
    await room.vandal.execute("update audit_seal set leaf = sha256(leaf) where seq = 0")
    for _ in range(3):
        await room.write(1)
        await room.vandal.execute("update audit_checkpoint set at_ms = 0")
        await seal.run()
    assert await actions(room) == ["audit.broken"]


async def test_an_export_place_that_cannot_be_written_is_an_alarm(room: Room, tmp_path: Path) -> None:
    seal = job(room.writing_to(tmp_path / "gone"), "audit.seal")
    await room.write(1)
    await seal.run()
    assert await actions(room) == ["audit.export_failed"]


async def test_a_backlog_is_measured_and_alarms(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await backlog.age_ms(room.ports.pool) == 0
    await room.write(1, created_ms=clock.now_ms() - 299_000)
    behind = job(room.ports, "audit.behind")
    await behind.run()
    assert await actions(room) == []
    await room.write(1, created_ms=clock.now_ms() - 301_000)
    assert 300_000 < await backlog.age_ms(room.ports.pool) < 310_000
    await behind.run()
    await behind.run()
    assert await actions(room) == ["audit.seal_behind"]
    await room.seal()
    assert await backlog.age_ms(room.ports.pool) == 0


def test_drift_tells_jumps_and_differences_once() -> None:
    drift = Drift(5_000)
    assert drift.look(wall_ms=1_000_000, monotonic_s=10, database_ms=1_000_000) == []
    assert drift.look(wall_ms=1_010_000, monotonic_s=20, database_ms=1_010_000) == []
    assert drift.look(wall_ms=1_080_000, monotonic_s=30, database_ms=1_080_000) == [Alarm("jump", 60_000)]
    assert drift.look(wall_ms=1_090_000, monotonic_s=40, database_ms=1_090_000) == []
    assert drift.look(wall_ms=1_040_000, monotonic_s=50, database_ms=1_040_000) == [Alarm("jump", -60_000)]
    assert drift.look(wall_ms=1_050_000, monotonic_s=60, database_ms=1_044_000) == [Alarm("difference", 6_000)]
    assert drift.look(wall_ms=1_060_000, monotonic_s=70, database_ms=1_054_000) == []
    assert drift.look(wall_ms=1_070_000, monotonic_s=80, database_ms=1_070_000) == []
    assert drift.look(wall_ms=1_080_000, monotonic_s=90, database_ms=1_090_000, within_ms=4_000) == [
        Alarm("difference", -10_000)
    ]
    assert Drift(5_000).look(wall_ms=0, monotonic_s=0, database_ms=8_000, within_ms=4_000) == []


async def test_a_clock_that_jumps_or_differs_is_on_record(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = watch_clock.ClockWatch(room.ports.pool, limit_s=5)
    await watch.look()
    assert await actions(room) == []
    real = clock.now_ms
    monkeypatch.setattr("lockgate.kernel.clock.now_ms", lambda: real() - 3_600_000)
    await watch.look()
    rows = await room.vandal.fetch("select id, outcome, detail from audit where action = 'clock.jumped' order by id")
    assert {json.loads(row["detail"])["what"] for row in rows} == {"jump", "difference"}
    assert all(row["outcome"] == "alarm" for row in rows)
    await room.write(1)
    newest = await room.vandal.fetchval("select max(id) from audit")
    assert newest not in {row["id"] for row in rows}, "ids go on where they were, though the clock went back"


@pytest.mark.parametrize("field", ["object", "actor", "address", "action"])
async def test_a_rare_word_among_many_records_is_found_by_an_index(room: Room, field: str) -> None:
    await room.write(1)
    await room.vandal.execute(
        "insert into audit select account, livemode, id || lpad(n::text, 6, '0'), created_ms + n, action || n % 7,"
        " outcome, actor || n % 5, object || n, address, request, detail, personal"
        " from audit, generate_series(1, 60000) n"
    )
    await room.vandal.execute(
        "insert into audit select account, livemode, 'aud_' || 'zzz', created_ms, 'rare', outcome, 'rare', 'rare',"
        " 'rare', request, detail, personal from audit limit 1"
    )
    await room.vandal.execute("analyze audit")
    await room.vandal.execute("select brin_summarize_new_values('audit_search')")
    plan = await room.vandal.fetch(
        f"explain select id from audit where account = $1 and livemode = $2 and {field} = 'rare'"
        " and created_ms between 0 and 9e18::bigint order by id desc limit 11".replace("$1", f"'{ACCOUNT}'").replace(
            "$2", "false"
        )
    )
    text = "\n".join(row[0] for row in plan)
    assert "audit_search" in text or "audit_pkey" in text, text
    assert "Seq Scan" not in text
    who = Principal(ACCOUNT, False, "internal", "test")
    found = await find_records.page_of_records(
        room.ports.pool, who, Page(10, None, None), wanted=Wanted(**{field: "rare"}), created={}
    )
    assert [row.id for row in found] == ["aud_zzz"]


@pytest.mark.parametrize(
    ("own", "wrong"),
    [
        ({"checkpoint_dir": "relative"}, "checkpoint_dir"),
        ({"retention_days": 365}, "retention_days"),
        ({"retention_days": True}, "retention_days"),
        ({"max_clock_skew_s": 0}, "max_clock_skew_s"),
        ({"checkpoints": "/x"}, "checkpoints"),
    ],
)
def test_settings_that_cannot_be_are_refused(own: dict[str, object], wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        policy({"account": "acct_shop", "audit": own})


def test_settings_have_defaults() -> None:
    assert policy({"account": "acct_shop"}) == Policy(ORIGIN)
    assert policy({"account": "acct_shop", "audit": {"retention_days": 366}}).retention_days == 366
