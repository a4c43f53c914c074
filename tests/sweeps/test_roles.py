"""Every operation by every credential: allowed exactly where permissions say so, and on record where not."""

import time
from collections.abc import Callable
from itertools import count

import pytest
from tools.contract.declared import operations

from lockgate.gateway.identity.core.permissions import GIVEN, MERCHANT
from lockgate.gateway.identity.core.roles import BUILT_IN
from lockgate.gateway.identity.tokens import ACCESS
from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import ADMINISTRATIVE, Principal
from tests.contract.world import VERSION
from tests.support.door import Client, Reply
from tests.sweeps import credentials, roles_table
from tests.sweeps.conftest import Merchant, Place
from tests.sweeps.test_operations import assert_on_record

DECLARED = operations()
Expected = Callable[[Operation], bool]
_objects = count(1)


class Sweep:
    """Asks every operation with a parameter that none has: who may ask it is told so, and nothing happens."""

    def __init__(self, place: Place, key: str | None, headers: dict[str, str] | None = None) -> None:
        self._place, self._key, self._headers = place, key, headers or {}
        self._client: Client | None = None
        self._sent = 0
        self.record: dict[str, tuple[str, str]] = {}

    def ask(self, operation: Operation) -> Reply:
        path = operation.path
        while "{" in path:  # another object each time, for how often one is changed has a limit of its own
            path = path[: path.index("{")] + f"none_{next(_objects):016}" + path[path.index("}") + 1 :]
        for _ in range(50):
            if self._client is None or self._sent >= 10:
                if self._client is not None:
                    self._client.close()
                self._client, self._sent = self._place.client(self._key), 0
            self._sent += 1
            reply = self._client.request(
                operation.method, path, {"unknown_parameter": "1"}, headers={**VERSION, **self._headers}
            )
            if reply.status != 429:
                return reply
            self._sent = 10  # another address first: what fails at one is counted against it
            time.sleep(0.05)
        raise AssertionError("this credential is limited for ever")

    def through(self, expected: Expected) -> list[str]:
        """What is not as expected."""
        wrong, allowed = [], 0
        for operation in DECLARED:
            reply = self.ask(operation)
            if expected(operation):
                allowed += 1
                told = reply.status == 400 and (
                    reply.error.get("code") == "parameter_unknown" or reply.error.get("param") == "client_secret"
                )
                if not told:
                    wrong.append(f"{operation.name} should be allowed: {reply.status} {reply.text[:160]}")
            elif reply.status != 403:
                wrong.append(f"{operation.name} should be refused: {reply.status} {reply.text[:160]}")
            else:
                self.record[reply.request_id] = (operation.name, "permission.refused")
        assert_on_record(self._place, self.record)
        return wrong

    def refused(self, status: int) -> list[str]:
        """The operations, of a sample, that do not answer with this status: who asks is known before what is asked."""
        return [f"{one.name}: {reply.status}" for one in DECLARED[::7] if (reply := self.ask(one)).status != status]


def may(kind: str, permissions: object) -> Expected:
    who = Principal("acct_x", False, kind, "x", permissions)  # type: ignore[arg-type]
    return lambda operation: who.may(operation.resource, operation.access)


def test_the_table_of_roles_is_the_one_that_was_read() -> None:
    """If this differs on purpose: python -m tests.sweeps.roles_table, and read the difference."""
    assert roles_table.table() == roles_table.FILE.read_text()


def test_the_sweep_is_made_from_what_is_offered(place: Place) -> None:
    offered = place.client().get("/openapi.json").json["paths"]
    names = {described["operationId"] for methods in offered.values() for described in methods.values()}
    assert names == {operation.name for operation in DECLARED} and len(names) > 150
    assert {operation.resource for operation in DECLARED} >= set(MERCHANT) - {"tokens"}


@pytest.mark.parametrize("role", list(BUILT_IN))
def test_each_role(place: Place, owner: Merchant, role: str) -> None:
    token = credentials.person(place, owner.account, role)
    wrong = Sweep(place, token.text).through(lambda operation: roles_table.role_may(role, operation))
    assert not wrong, "\n".join(wrong)


def test_a_role_of_the_accounts_own(place: Place, owner: Merchant) -> None:
    admin = place.client(credentials.person(place, owner.account, "owner").text)
    asked = {"name": f"sweep {time.time()}", "permissions[charges]": "read", "permissions[audit]": "read"}
    made = admin.post("/v1/roles", asked)
    assert made.status == 200, made.text
    token = credentials.person(place, owner.account, made.json["id"])
    given = {"charges": "read", "audit": "read", "profile": "write"}
    assert not Sweep(place, token.text).through(may("person", given))
    both = credentials.person(place, owner.account, made.json["id"], "support")
    joined = {**BUILT_IN["support"], **given}
    assert not Sweep(place, both.text).through(may("person", joined))


@pytest.mark.parametrize("kind", ["secret", "publishable", "ephemeral"])
def test_each_kind_of_key(place: Place, owner: Merchant, kind: str) -> None:
    if kind == "ephemeral":
        made = place.client(owner.secret_key).post(
            "/v1/ephemeral_keys", {"customer": owner.objects["customers"]}, headers=VERSION
        )
        key = made.json["secret"]
    else:
        (key,) = place.keys(owner.account, [(kind, {})])  # type: ignore[list-item]
    wrong = Sweep(place, key).through(lambda operation: roles_table.key_may(kind, operation))  # type: ignore[arg-type]
    assert not wrong, "\n".join(wrong)


def test_administrative_resources_one_by_one(place: Place, owner: Merchant) -> None:
    """test_operations tries every resource of the business; here those that secret keys have not."""
    resources = sorted(ADMINISTRATIVE & set(GIVEN))
    keys = place.keys(owner.account, [("restricted", {name: "read"}) for name in resources])
    for resource, key in zip(resources, keys, strict=True):
        sweep = Sweep(place, key)
        wrong = [
            f"{resource} {one.name}"
            for one in DECLARED
            if one.resource in ADMINISTRATIVE
            and (one.resource == resource or (one.method == "GET" and one.form == "list"))
            and (sweep.ask(one).status == 403) == (one.resource == resource and one.access == "read")
        ]
        assert not wrong, wrong


@pytest.mark.parametrize("access", ["read", "write"])
def test_an_app_by_its_scope(place: Place, owner: Merchant, access: str) -> None:
    by = credentials.person(place, owner.account, "owner")
    for scope in ({"charges": access}, {"payment_intents": access, "customers": "read"}):
        token = credentials.app(place, owner.account, by.id, scope)  # type: ignore[arg-type]
        wrong = Sweep(place, token.text).through(may("app", scope))
        assert not wrong, "\n".join(wrong)


def test_an_app_has_never_more_than_who_let_it_in(place: Place, owner: Merchant) -> None:
    by = credentials.person(place, owner.account, "support")
    token = credentials.app(place, owner.account, by.id, {"customers": "write", "payouts": "write", "charges": "write"})
    wrong = Sweep(place, token.text).through(may("app", {"customers": "write", "charges": "read"}))
    assert not wrong, "\n".join(wrong)


def test_another_accounts_session_reaches_nothing_here(place: Place, owner: Merchant, stranger: Merchant) -> None:
    token = credentials.person(place, stranger.account, "owner")
    assert not Sweep(place, token.text, {"Stripe-Account": owner.account}).refused(403)


@pytest.mark.parametrize("text", [None, "hello", "a.b.c", "eyJhbGciOiJub25lIiwidHlwIjoic2Vzc2lvbitqd3QifQ.e30."])
def test_what_is_no_credential(place: Place, text: str | None) -> None:
    assert not Sweep(place, text).refused(401)


def test_no_token_is_taken_from_a_query(place: Place, owner: Merchant) -> None:
    token = credentials.person(place, owner.account, "owner").text
    for name in ("access_token", "key", "token"):
        for client in (place.client(token), place.client()):
            reply = client.get("/v1/account", {name: token})
            assert reply.status == 400 and token not in reply.text, reply.text
            assert_on_record(place, {reply.request_id: (name, "token.in_query")})
    log = (place.running.home / "logs" / "gateway.log").read_text()
    assert token not in log and token.rpartition(".")[2] not in log


OVER = ("disabled", "shut out", "no roles", "ended", "expired", "of nobody", "at an app's door")


@pytest.mark.parametrize("how", OVER)
def test_a_session_that_is_over(place: Place, owner: Merchant, how: str) -> None:
    token = credentials.person(place, owner.account, "owner")
    text = token.text
    assert place.client(text).get("/v1/account").status == 200
    if how == "disabled":
        place.fetch("update gateway.person set status = 'disabled' where id = $1", token.id)
    elif how == "shut out":
        place.fetch("update gateway.membership set status = 'disabled' where person = $1", token.id)
    elif how == "no roles":
        place.fetch("delete from gateway.membership where person = $1", token.id)
    elif how == "ended":
        place.fetch("update gateway.session set ended_at = 1, ended_reason = 'sign_out' where id = $1", token.session)
    elif how == "expired":
        text = credentials.forged(place, {"sub": token.id, "sid": token.session}, life_s=60, ago_s=120)
    elif how == "of nobody":
        text = credentials.forged(place, {"sub": "usr_nobody", "sid": token.session})
    else:
        text = credentials.forged(place, {"sub": token.id, "sid": token.session}, typ=ACCESS)
    time.sleep(1.1)  # what was believed is believed for a second
    assert not Sweep(place, text).refused(401)
