"""What no message reached us about is asked for: once, in order, for every account in turn, and never in the way."""

import asyncio

import pytest

from lockgate.gateway.notifications import jobs, poll
from lockgate.gateway.notifications.core import asking
from lockgate.kernel import clock
from tests.gateway.notifications.office import ACCOUNT, Office


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PAGE", 2)


async def accounts(office: Office, *names: str) -> None:
    for name in (ACCOUNT, *names):
        await office.pool.execute(
            "insert into account (id, created, name, country, default_currency, api_version)"
            " values ($1, 1, 'A', 'US', 'usd', '2025-01-01') on conflict do nothing",
            name,
        )


async def move_clock(office: Office, seconds: int) -> None:
    await office.pool.execute(
        "insert into test_clock (account, livemode, id, version, created, offset_s) values ($1, false, $1, 1, 1, $2)"
        " on conflict (account, livemode, id) do update set offset_s = $2",
        ACCOUNT,
        seconds,
    )


async def test_only_accounts_that_have_ordered_something_are_asked_for(office: Office) -> None:
    await accounts(office, "acct_b")
    assert await poll.enrol(office.ports) == 0 and await poll.portion(office.ports) == 0
    await office.enrolled()
    await office.enrolled("acct_b", livemode=True)
    assert await poll.enrol(office.ports) == 0, "each once"
    assert await poll.portion(office.ports) == 2
    assert sorted(asked[:2] for asked in office.outside.asked) == [(ACCOUNT, False), ("acct_b", True)]
    assert await poll.portion(office.ports) == 0, "not again within the minute"
    await office.ask_again()
    assert await poll.portion(office.ports) == 2
    assert len(set(office.outside.steps)) == 4, "the vault sends a step id once"


async def test_what_was_dropped_is_handled_and_what_was_pushed_is_not_handled_twice(office: Office) -> None:
    await accounts(office)
    await office.enrolled()
    await office.told("ntf_1", "sdp_ntf_1")
    await office.work()
    office.outside.happens("ntf_1", "ntf_2")
    pokes = len(office.pokes)
    await poll.portion(office.ports)
    assert len(office.pokes) == pokes + 1, "the worker hears that there is something"
    rows = await office.rows()
    assert [(row["id"], row["state"]) for row in rows] == [("ntf_1", "done"), ("ntf_2", "waiting")]
    await office.work()
    assert [told.reference for told in office.handled] == ["sdp_ntf_1", "sdp_ntf_2"]
    assert office.handled[1][:3] == (ACCOUNT, False, "simulator")
    assert (await office.told("ntf_2", "sdp_ntf_2"))[0] == 200, "and a message that is late after all is fine"
    assert await office.work() == 0
    await office.ask_again()
    await poll.portion(office.ports)
    assert office.outside.of() == ["", "2"] and len(office.pokes) == pokes + 1


@pytest.mark.usefixtures("small_pages")
async def test_page_after_page_until_there_is_no_more(office: Office) -> None:
    await accounts(office)
    await office.enrolled()
    office.outside.happens(*(f"ntf_{n}" for n in range(5)))
    while await poll.portion(office.ports):
        continue
    assert office.outside.of() == ["", "2", "4"]
    assert len(await office.rows()) == 5
    assert (await office.cursors())[0]["cursor"] == "5"


@pytest.mark.usefixtures("small_pages")
async def test_one_with_much_to_tell_does_not_keep_the_others_waiting(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "PORTION", 1)
    others = ("acct_b", "acct_c")
    await accounts(office, *others)
    for account in (ACCOUNT, *others):
        await office.enrolled(account)
    office.outside.happens(*(f"ntf_{n}" for n in range(9)))
    for _ in range(4):
        await poll.portion(office.ports)
        await asyncio.sleep(0.002)  # a round is never within the same millisecond as the one before
    turns = [account for account, _, _ in office.outside.asked]
    assert sorted(turns[:3]) == [ACCOUNT, *others] and turns[3] == ACCOUNT


async def test_silence_is_met_with_patience_and_an_answer_ends_it(office: Office) -> None:
    await accounts(office)
    await office.enrolled()
    office.outside.happens("ntf_1")
    office.outside.silent = {(ACCOUNT, False)}
    waits = []
    for failures in range(1, 7):
        assert await poll.portion(office.ports) == 1
        [row] = await office.cursors()
        assert (row["failures"], row["cursor"], row["leased_until_ms"]) == (failures, "", None)
        waits.append(row["due_ms"] - row["asked_ms"])
        await office.ask_again()
    assert [round(wait / 60_000) for wait in waits] == [1, 2, 4, 8, 15, 15]
    assert await office.rows() == []
    office.outside.silent = set()
    await poll.portion(office.ports)
    [row] = await office.cursors()
    assert (row["failures"], row["cursor"]) == (0, "1") and len(await office.rows()) == 1
    assert row["due_ms"] - row["asked_ms"] >= asking.EVERY_MS


async def test_a_fault_in_one_question_leaves_the_others_alone(office: Office) -> None:
    await accounts(office, "acct_b")
    await office.enrolled()
    await office.enrolled("acct_b")
    office.outside.notices[ACCOUNT, False] = [{"id": "n" * 4_000, "kind": "dispute", "reference": "sdp_1"}]
    office.outside.happens("ntf_1", account="acct_b")

    async def breaks() -> None:
        if office.outside.asked[-1][0] == ACCOUNT and len(office.outside.of()) == 2:
            raise RuntimeError("the way out broke")

    office.outside.before = breaks
    for failures in (1, 2):
        await poll.portion(office.ports)
        assert [(row["account"], row["failures"]) for row in await office.cursors()] == [
            (ACCOUNT, failures), ("acct_b", 0),
        ]
        await office.ask_again()
    assert [row["account"] for row in await office.rows()] == ["acct_b"]


async def test_two_workers_never_ask_for_one_account_at_once(office: Office) -> None:
    await accounts(office)
    await office.enrolled()
    await move_clock(office, 5)
    running = 0

    async def wait() -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.3)
        running -= 1

    office.outside.before = wait
    done = await asyncio.gather(*(poll.portion(office.ports, moved=moved) for moved in (False, True, False)))
    assert sum(done) == 1


async def test_a_worker_that_lost_its_lease_neither_stores_nor_moves(office: Office) -> None:
    await accounts(office)
    await office.enrolled()
    office.outside.happens("ntf_1")

    async def dies_meanwhile() -> None:
        office.outside.before = None
        await office.ask_again()
        office.outside.happens("ntf_2")
        await poll.portion(office.ports)
        assert (await office.cursors())[0]["cursor"] == "2"
        await office.pool.execute("delete from notification")
        del office.outside.notices[ACCOUNT, False][1]

    office.outside.before = dies_meanwhile
    await poll.portion(office.ports)
    assert (await office.cursors())[0]["cursor"] == "2" and await office.rows() == []


async def test_the_cursor_and_what_it_passed_are_written_together(office: Office) -> None:
    await accounts(office)
    await office.enrolled()
    office.outside.happens("ntf_1", "ntf_2")
    spoilt = office.outside.notices[ACCOUNT, False]
    spoilt.append(dict(spoilt[0]))
    await poll.portion(office.ports)
    [row] = await office.cursors()
    assert (row["cursor"], row["failures"]) == ("", 1) and await office.rows() == [], "half a page is no page"


async def test_a_clock_that_moves_lets_its_account_be_asked_for_at_once_with_its_own_time(office: Office) -> None:
    await accounts(office, "acct_b")
    await office.enrolled()
    await office.enrolled("acct_b")
    assert await poll.portion(office.ports) == 2
    assert await jobs.due(office.ports) == 0
    await move_clock(office, 86_400)
    office.outside.happens("ntf_1")
    assert await jobs.due(office.ports) == 1 and await jobs.due(office.ports) == 0
    account, _, said = office.outside.asked[-1]
    assert account == ACCOUNT and said["now"] >= clock.now() + 86_390
    assert [row["id"] for row in await office.rows()] == ["ntf_1"]
    await move_clock(office, 86_401)
    assert await poll.portion(office.ports) == 1, "the worker sees it too, if the request that moved it died"


async def test_an_account_s_first_order_is_enough_for_a_clock_that_moves(office: Office) -> None:
    await accounts(office)
    await office.has_ordered()
    await move_clock(office, 60)
    assert await jobs.due(office.ports) == 1


async def test_kinds_that_nobody_here_handles_are_passed_over(office: Office) -> None:
    await accounts(office)
    await office.enrolled()
    office.outside.happens("ntf_1", kind="payout")
    office.outside.happens("ntf_2")
    await poll.portion(office.ports)
    assert [row["id"] for row in await office.rows()] == ["ntf_2"]
    assert (await office.cursors())[0]["cursor"] == "2"


async def test_the_programs_may_read_and_write_cursors_and_reporting_sees_its_own(office: Office) -> None:
    rows = await office.pool.fetch("select policyname from pg_policies where tablename = 'notification_cursor'")
    assert {row["policyname"] for row in rows} == {"own_account", "program"}
