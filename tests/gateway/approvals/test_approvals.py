"""Approvals: for just one content, by the right people, with proofs of their own, and used once."""

import asyncio
import json

import asyncpg
import pytest

from lockgate.gateway.approvals import agree, store
from lockgate.gateway.oauth.core import handles
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.params import UNSET, nest
from lockgate.kernel.principal import Principal
from tests.gateway.approvals.office import (
    ACCOUNT,
    ANNA,
    BEN,
    GRANT,
    KEY,
    OTHER,
    REFUND,
    REVERSE,
    open_office,
    person,
)

BIG = {"charge": "ch_1", "amount": 200_000, "reason": "asked", "metadata": {"order": "7"}, "tags": ["a", "b"]}
SMALL = {"charge": "ch_1", "amount": 500}
TWO = {"refund[two_people_above]": "100", "roles[two_people]": "true"}


async def proved(office, id_, who=None):
    return await office.agree("approval.prove", who or person(ANNA), id_)


async def test_people_need_a_proof_not_older_than_five_minutes(database):
    async with open_office(database) as office:
        await office.require(person(ANNA, proved_s_ago=290), **SMALL)
        for old in (301, 86_400):
            refusal = await office.refused(person(ANNA, proved_s_ago=old), **SMALL)
            assert (refusal.kind, refusal.code) == (Kind.FORBIDDEN, "step_up_required")
        await office.require(KEY, **BIG)
        await office.require(Principal(ACCOUNT, False, "internal", "worker"), **BIG)


@pytest.mark.parametrize("by", ["totp", "passkey"])
async def test_above_the_limit_a_person_confirms_just_this(database, by):
    async with open_office(database) as office:
        anna = person(ANNA)
        id_ = await office.waits(anna, **BIG)
        assert id_ == await office.waits(anna, **BIG)  # it waits for one approval, however often it is tried
        shown = await office.call("approval.get", anna, path={"approval": id_})
        assert shown["summary"] == "Refund 2000.00 USD of ch_1"
        assert (shown["status"], shown["needs"], shown["params"]["amount"]) == ("pending", ["proof"], 200_000)
        assert (await office.refused(anna, approval=id_, **BIG)).code == "approval_invalid"
        done = await office.agree("approval.prove", anna, id_, by=by)
        assert done["status"] == "approved"
        await office.require(person(ANNA, proved_s_ago=9_999), approval=id_, **BIG)  # its own proof is fresh
        assert (await office.refused(anna, approval=id_, **BIG)).code == "approval_invalid"
        assert (await office.call("approval.get", anna, path={"approval": id_}))["status"] == "used"


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 200_001}, {"amount": 199_999}, {"charge": "ch_2"}, {"reason": "other"}, {"reason": UNSET},
        {"metadata": {"order": "8"}}, {"metadata": {"order": "7", "x": "y"}}, {"metadata": UNSET},
        {"tags": ["b", "a"]}, {"tags": ["a"]}, "amount", "reason", "metadata", "tags",
    ],
)  # fmt: skip
async def test_any_changed_field_voids_it(database, change):
    async with open_office(database) as office:
        anna = person(ANNA)
        id_ = await office.waits(anna, **BIG)
        await proved(office, id_)
        changed = {**BIG, **change} if isinstance(change, dict) else {k: v for k, v in BIG.items() if k != change}
        assert (await office.refused(anna, approval=id_, **changed)).code == "approval_invalid"
        await office.require(anna, approval=id_, **BIG)  # and it is not used up by that


async def test_it_is_for_one_operation_path_account_mode_and_maker(database):
    async with open_office(database) as office:
        anna = person(ANNA)
        id_ = await office.waits(anna, REVERSE, path={"payout": "po_1"})
        await proved(office, id_)
        wrong = [
            (anna, REVERSE, {"path": {"payout": "po_2"}}),
            (anna, REFUND, BIG),
            (person(BEN), REVERSE, {"path": {"payout": "po_1"}}),
            (person(ANNA, account=OTHER), REVERSE, {"path": {"payout": "po_1"}}),
            (Principal(ACCOUNT, True, "person", ANNA, proved_at=anna.proved_at), REVERSE, {"path": {"payout": "po_1"}}),
        ]
        for who, operation, asked in wrong:
            assert (await office.refused(who, operation, approval=id_, **asked)).code == "approval_invalid"
        assert (await office.refused(anna, approval="apr_none", **BIG)).code == "approval_invalid"
        await office.require(anna, REVERSE, approval=id_, path={"payout": "po_1"})


async def test_of_fifty_at_once_one_uses_it(database):
    async with open_office(database) as office:
        anna = person(ANNA)
        for _ in range(3):
            id_ = await office.waits(anna, **BIG)
            await proved(office, id_)
            done = await asyncio.gather(
                *(office.require(anna, approval=id_, request=f"req_{n}", **BIG) for n in range(50)),
                return_exceptions=True,
            )
            assert sum(result is None for result in done) == 1
            assert all(isinstance(result, Refusal) for result in done if result is not None)


async def test_a_retry_under_the_same_key_is_the_same_request(database):
    async with open_office(database) as office:
        anna = person(ANNA)
        id_ = await office.waits(anna, **BIG)
        await proved(office, id_)
        await office.require(anna, approval=id_, key="retry", request="req_1", **BIG)
        await office.require(anna, approval=id_, key="retry", request="req_2", **BIG)
        assert await office.refused(anna, approval=id_, key="other", **BIG)
        assert await office.refused(anna, approval=id_, **BIG)
        assert await office.refused(anna, approval=id_, key="retry", **{**BIG, "amount": 300_000})


async def test_a_confirmation_is_over_after_a_quarter_of_an_hour(database):
    async with open_office(database) as office:
        anna = person(ANNA)
        id_ = await office.waits(anna, **BIG)
        await proved(office, id_)
        await office.ports.pool.execute("update approval set expires_at = expires_at - 901 where account = $1", ACCOUNT)
        assert (await office.refused(anna, approval=id_, **BIG)).code == "approval_invalid"
        with pytest.raises(Refusal) as refused:
            await proved(office, id_)
        assert refused.value.code == "approval_over"


async def test_a_proof_is_of_this_content_alone(database):
    async with open_office(database) as office:
        anna = person(ANNA)
        one, other = await office.waits(anna, **BIG), await office.waits(anna, **{**BIG, "amount": 900_000})
        asked = await office.call("approval.challenge", anna, path={"approval": one})
        signed = office.keys[ANNA].sign(asked["options"])
        with pytest.raises(Refusal) as refused:
            await office.call("approval.prove", anna, path={"approval": other}, method="passkey", proof=signed)
        assert (refused.value.kind, refused.value.code) == (Kind.FORBIDDEN, "factor_refused")
        with pytest.raises(Refusal):
            await office.call("approval.prove", anna, path={"approval": one}, method="totp", proof="000000")
        assert (await office.refused(anna, approval=other, **{**BIG, "amount": 900_000})).code == "approval_invalid"


async def test_nobody_proves_for_another(database):
    async with open_office(database) as office:
        id_ = await office.waits(person(ANNA), **BIG)
        with pytest.raises(Refusal) as refused:
            await office.agree("approval.prove", person(BEN), id_)
        assert refused.value.kind is Kind.NOT_FOUND
        with pytest.raises(Refusal):  # it does not wait for a second person
            await office.agree("approval.approve", person(BEN), id_)
        for stranger in (person(BEN, account=OTHER), person(BEN, permissions={"profile": "write"})):
            with pytest.raises(Refusal):
                await office.call("approval.get", stranger, path={"approval": id_})
        assert (await office.call("approval.list", person(BEN, permissions={"profile": "write"})))["data"] == []
        assert len((await office.call("approval.list", person(BEN), status="pending"))["data"]) == 1


async def two_people(office):
    await office.call("approval_policy.update", person(BEN), **TWO)


async def test_a_second_person_agrees_and_never_the_maker(database):
    async with open_office(database) as office:
        await two_people(office)
        anna, ben = person(ANNA), person(BEN)
        id_ = await office.waits(anna, GRANT, name="boss")
        for by in ("totp", "passkey"):
            with pytest.raises(Refusal) as refused:
                await office.agree("approval.approve", anna, id_, by=by)
            assert refused.value.code == "own_approval"
        with pytest.raises(Refusal) as refused:
            await office.call("approval.approve", KEY, path={"approval": id_}, method="totp", proof="123456")
        assert refused.value.code == "person_required"
        assert (await office.refused(anna, GRANT, approval=id_, name="boss")).code == "approval_invalid"
        assert (await office.agree("approval.approve", ben, id_))["decided_by"] == BEN
        assert (await office.refused(ben, GRANT, approval=id_, name="boss")).code == "approval_invalid"
        await office.require(anna, GRANT, approval=id_, name="boss")


async def test_the_database_itself_keeps_maker_and_checker_apart(database):
    async with open_office(database) as office:
        await two_people(office)
        id_ = await office.waits(person(ANNA), GRANT, name="boss")
        with pytest.raises(asyncpg.CheckViolationError):
            await office.ports.pool.execute(
                "update approval set decision = 'approved', decided_by = maker_person where account = $1 and id = $2",
                ACCOUNT,
                id_,
            )


@pytest.mark.parametrize("made_by", [None, f"person:{ANNA}"])
async def test_a_key_waits_for_somebody_else_than_its_maker(database, made_by):
    async with open_office(database) as office:
        await two_people(office)
        superuser = await asyncpg.connect(**database["superuser"])
        await superuser.execute(
            "insert into gateway.api_key (account, livemode, id, kind, hash, hint, name, permissions, created,"
            " rate_per_s, burst, created_by) values ($1, false, $2, 'secret', '\\x01', 'h', '', '{}', 1, 10, 10, $3)",
            ACCOUNT, KEY.id, made_by,
        )  # fmt: skip
        await superuser.close()
        id_ = await office.waits(KEY, **BIG)
        if made_by is not None:
            with pytest.raises(Refusal) as refused:
                await office.agree("approval.approve", person(ANNA), id_)
            assert refused.value.code == "own_approval"
        await office.agree("approval.approve", person(BEN), id_)
        await office.require(KEY, approval=id_, **BIG)
        assert (await office.refused(KEY, approval=id_, **BIG)).code == "approval_invalid"


async def test_an_app_is_its_person(database):
    async with open_office(database) as office:
        await two_people(office)
        app = Principal(ACCOUNT, False, "app", "app_1", {"refunds": "write"}, person=ANNA, address="127.0.0.1")
        id_ = await office.waits(app, **BIG)
        with pytest.raises(Refusal) as refused:
            await office.agree("approval.approve", person(ANNA), id_)
        assert refused.value.code == "own_approval"
        await office.agree("approval.approve", person(BEN), id_)
        await office.require(app, approval=id_, **BIG)


async def test_both_are_asked_for_where_both_apply(database):
    async with open_office(database) as office:
        await two_people(office)
        anna = person(ANNA)
        id_ = await office.waits(anna, **BIG)
        await office.agree("approval.approve", person(BEN), id_)
        assert (await office.refused(anna, approval=id_, **BIG)).code == "approval_invalid"
        await proved(office, id_)
        await office.require(anna, approval=id_, **BIG)


async def test_what_was_refused_stays_so(database):
    async with open_office(database) as office:
        await two_people(office)
        id_ = await office.waits(person(ANNA), GRANT, name="boss")
        assert (await office.call("approval.refuse", person(BEN), path={"approval": id_}))["status"] == "refused"
        with pytest.raises(Refusal):
            await office.agree("approval.approve", person(BEN), id_)
        assert (await office.refused(person(ANNA), GRANT, approval=id_, name="boss")).code == "approval_invalid"
        assert await office.waits(person(ANNA), GRANT, name="boss") != id_


async def test_of_two_decisions_at_once_one_counts(database):
    async with open_office(database) as office:
        await two_people(office)
        id_ = await office.waits(person(ANNA), GRANT, name="boss")
        done = await asyncio.gather(
            office.agree("approval.approve", person(BEN), id_),
            office.call("approval.refuse", person("per_carl"), path={"approval": id_}),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Refusal) for result in done) == 1


async def test_a_tightened_rule_holds_for_what_was_approved_before(database):
    async with open_office(database) as office:
        anna = person(ANNA)
        id_ = await office.waits(anna, **BIG)
        await proved(office, id_)
        await two_people(office)
        assert (await office.refused(anna, approval=id_, **BIG)).code == "approval_invalid"


async def test_one_asks_before_one_tries(database):
    async with open_office(database) as office:
        anna = person(ANNA)
        fields = {
            "method": "POST", "path": "/v1/refunds", "params[charge]": "ch_1", "params[amount]": "200000",
            "params[reason]": "asked", "params[metadata][order]": "7", "params[tags][0]": "a", "params[tags][1]": "b",
        }  # fmt: skip
        made = await office.fields("approval.create", anna, fields)
        await proved(office, made["id"])
        await office.require(anna, approval=made["id"], **BIG)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"method": "POST", "path": "/v1/nowhere"}, "path"),
        ({"method": "POST", "path": "/v1/payouts//reverse"}, "path"),
        ({"method": "POST", "path": "/v1/refunds", "params[amount]": "5"}, "params[charge]"),
        ({"method": "POST", "path": "/v1/refunds", "params[charge]": "ch_1", "params[x]": "5"}, "params[x]"),
        ({"method": "POST", "path": "/v1/refunds", "params[charge]": "ch_1", "params[amount]": "5"}, None),
    ],
)
async def test_what_cannot_be_asked_for(database, fields, param):
    async with open_office(database) as office:
        with pytest.raises(Refusal) as refused:
            await office.fields("approval.create", person(ANNA), fields)
        assert (refused.value.kind, refused.value.param) == (Kind.INVALID, param)


async def test_who_may_not_do_it_cannot_ask_for_it(database):
    async with open_office(database) as office:
        poor = person(ANNA, permissions={"profile": "write"})
        fields = {"method": "POST", "path": "/v1/refunds", "params[charge]": "ch_1", "params[amount]": "900000"}
        with pytest.raises(Refusal) as refused:
            await office.fields("approval.create", poor, fields)
        assert refused.value.kind is Kind.FORBIDDEN


async def test_the_rules_are_the_accounts_own(database):
    async with open_office(database) as office:
        before = await office.call("approval_policy.get", person(ANNA))
        assert before["refund"] == {"confirm_above": 1000, "two_people_above": None}
        assert before["roles"] == {"two_people": False}
        await asyncio.gather(
            office.call("approval_policy.update", person(ANNA), **{"refund[confirm_above]": "5"}),
            office.call("approval_policy.update", person(BEN), **{"refund[two_people_above]": "7"}),
            office.call("approval_policy.update", person(BEN), **{"payout[confirm_above]": ""}),
        )
        after = await office.call("approval_policy.get", person(ANNA))
        assert after["refund"] == {"confirm_above": 5, "two_people_above": 7}
        assert after["payout"] == {"confirm_above": None, "two_people_above": None}
        other = await office.call("approval_policy.get", person(ANNA, account=OTHER))
        assert other["refund"]["confirm_above"] == 1000


async def test_each_step_is_audited(database):
    async with open_office(database) as office:
        await two_people(office)
        id_ = await office.waits(person(ANNA), **BIG)
        await proved(office, id_)
        await office.agree("approval.approve", person(BEN), id_)
        await office.require(person(ANNA), approval=id_, **BIG)
        rows = await office.ports.pool.fetch(
            "select action, outcome, actor, detail from audit where account in ($1, '-') order by tx, id", ACCOUNT
        )
        told = [(row["action"], row["actor"]) for row in rows]
        for action, who in (
            ("approval_policy.update", BEN), ("approval.create", ANNA), ("approval.refused", ANNA),
            ("approval.prove", ANNA), ("approval.approve", BEN), ("approval.use", ANNA),
        ):  # fmt: skip
            assert (action, f"person:{who}") in told, told
        (change,) = [json.loads(row["detail"]) for row in rows if row["action"] == "approval_policy.update"]
        assert change["refund"]["before"]["two_people_above"] is None
        assert change["refund"]["after"]["two_people_above"] == 100


async def test_what_an_approval_holds_is_sealed(database):
    async with open_office(database) as office:
        await office.waits(person(ANNA), **{**BIG, "reason": "because-of-mrs-smith"})
        rows = await office.ports.pool.fetch("select * from approval where account = $1", ACCOUNT)
        assert "mrs-smith" not in str([dict(row) for row in rows])


async def test_rows_change_only_from_where_they_stand(database):
    async with open_office(database) as office:
        await office.waits(person(ANNA), **BIG)
        async with office.ports.pool.acquire() as connection:
            row = (await office.approvals.ask(person(ANNA), REFUND, path={}, params=BIG, request="r"))
            assert not await store.use(connection, row, by="x", now=row.created)


async def test_a_proof_over_one_thing_makes_nothing_else_fresh(database):
    async with open_office(database) as office:
        stale = person(ANNA, proved_s_ago=9_999)
        id_ = await office.waits(person(ANNA), **BIG)
        await proved(office, id_)
        refusal = await office.refused(stale, approval=id_, **SMALL)
        assert refusal.code == "step_up_required"
        await office.require(stale, approval=id_, **BIG)


async def test_a_key_that_was_forgotten_uses_no_approval_again(database, monkeypatch):
    async with open_office(database) as office:
        anna = person(ANNA)
        id_ = await office.waits(anna, **BIG)
        await proved(office, id_)
        await office.require(anna, approval=id_, key="k", **BIG)
        await office.require(anna, approval=id_, key="k", **BIG)  # its answer is still kept: it is only told again
        later = clock.now() + 24 * 3600
        monkeypatch.setattr(clock, "now", lambda: later)
        fresh = person(ANNA)
        assert (await office.refused(fresh, approval=id_, key="k", **BIG)).code == "approval_invalid"


async def put_key(database, id_, *, kind, made_by):
    superuser = await asyncpg.connect(**database["superuser"])
    await superuser.execute(
        "insert into gateway.api_key (account, livemode, id, kind, hash, hint, name, permissions, created,"
        " rate_per_s, burst, created_by) values ($1, false, $2, $3, $4, 'h', '', '{}', 1, 10, 10, $5)",
        ACCOUNT, id_, kind, id_.encode(), made_by,
    )  # fmt: skip
    await superuser.close()


async def test_whoever_made_the_key_that_made_the_key_is_its_maker(database):
    async with open_office(database) as office:
        await two_people(office)
        await put_key(database, "key_maker", kind="restricted", made_by=f"person:{ANNA}")
        await put_key(database, "key_made", kind="restricted", made_by="restricted:key_maker")
        made = Principal(ACCOUNT, False, "restricted", "key_made", {"refunds": "write"}, address="127.0.0.1")
        id_ = await office.waits(made, **BIG)
        with pytest.raises(Refusal) as refused:
            await office.agree("approval.approve", person(ANNA), id_)
        assert refused.value.code == "own_approval"
        await office.agree("approval.approve", person(BEN), id_)
        await office.require(made, approval=id_, **BIG)


@pytest.mark.parametrize("let_in_by", [None, BEN])
async def test_whoever_registered_an_app_is_behind_it_too(database, let_in_by):
    async with open_office(database) as office:
        await two_people(office)
        app_id = handles.build("ca", account=ACCOUNT, random="r" * handles.APP_LENGTH)
        superuser = await asyncpg.connect(**database["superuser"])
        await superuser.execute(
            "insert into gateway.app (account, livemode, id, version, created, name, method, redirect_uris, scope,"
            " strict, data, created_by) values ($1, false, $2, 1, 1, 'App', 'private_key_jwt', '{}', 'refunds=write',"
            " true, '{}', $3)",
            ACCOUNT, app_id, f"person:{ANNA}",
        )  # fmt: skip
        await superuser.close()
        app = Principal(ACCOUNT, False, "app", app_id, {"refunds": "write"}, person=let_in_by, address="127.0.0.1")
        id_ = await office.waits(app, **BIG)
        for behind in filter(None, (ANNA, let_in_by)):
            with pytest.raises(Refusal) as refused:
                await office.agree("approval.approve", person(behind), id_)
            assert refused.value.code == "own_approval"


@pytest.mark.parametrize(
    "change",
    [{"refund[two_people_above]": "101"}, {"refund[two_people_above]": ""}, {"roles[two_people]": "false"}],
)
async def test_nobody_takes_the_second_person_away_alone(database, change):
    async with open_office(database) as office:
        await two_people(office)
        update = office.operations["approval_policy.update"]
        asked = {**change, "payout[confirm_above]": "3"}
        params = update.params.parse(nest(list(asked.items())), "")
        id_ = await office.waits(person(ANNA), update, **params)
        with pytest.raises(Refusal) as refused:
            await office.agree("approval.approve", person(ANNA), id_)
        assert refused.value.code == "own_approval"
        await office.agree("approval.approve", person(BEN), id_)
        await office.require(person(ANNA), update, approval=id_, **params)
        stricter = update.params.parse(nest([("refund[two_people_above]", "99"), ("roles[two_people]", "true")]), "")
        await office.require(person(ANNA), update, **stricter)


async def test_who_may_only_read_approvals_decides_nothing_and_strangers_see_nothing(database):
    async with open_office(database) as office:
        await two_people(office)
        reader = person(BEN, permissions={"approvals": "read", "profile": "write"})
        nobody = person(BEN, permissions={"profile": "write"})
        id_ = await office.waits(person(ANNA), **BIG)
        row = await agree.pending(office.ports, reader, id_)
        proof = office.keys[BEN].sign(dict(await agree.challenge(office.ports, reader, row)))
        for verb in (
            agree.approve(office.ports, reader, id_, method="passkey", proof=proof, request=None),
            agree.refuse(office.ports, reader, id_, request=None),
        ):
            with pytest.raises(Refusal) as refused:
                await verb
            assert refused.value.kind is Kind.FORBIDDEN
        with pytest.raises(Refusal) as refused:
            await agree.challenge(office.ports, nobody, row)
        assert refused.value.kind is Kind.NOT_FOUND
