"""Every operation, tried by all who must not: each try is refused, tells nothing, changes nothing, is on record."""

import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import pytest
from tools.contract.declared import operations as declared_operations

from lockgate.kernel.principal import ADMINISTRATIVE, Access
from tests.contract.world import VERSION
from tests.support.door import Client, Reply, basic
from tests.sweeps import surface
from tests.sweeps.conftest import Merchant, Place
from tests.sweeps.surface import Operation

# Tables whose rows are a merchant's state: what a refused try must leave as it was.
STATE = (
    "customer", "payment_method", "payment_intent", "setup_intent", "attempt", "charge", "refund",
    "balance_transaction", "transfer", "event", "webhook_endpoint", "delivery", "idempotency", "account",
    "setup_attempt", "mandate", "card_token", "checkout_session", "dispute", "early_fraud_warning", "review", "payout",
    "payout_line", "value_list", "value_list_item", "test_clock",
)

# By which a foreign id in a parameter may be refused: as missing, or for what came before it was looked at.
ASKED_ABOUT_OTHERS = (None, "resource_missing", "payment_intent_unexpected_state")


@pytest.fixture(scope="module")
def operations(place: Place) -> list[Operation]:
    """The business, which secret keys have: test_roles and test_access_tenants sweep what is administrative."""
    found = surface.read(place.client().get("/openapi.json").json)
    business = [operation for operation in found if operation.resource not in ADMINISTRATIVE]
    assert len(business) >= 94 and len(found) > len(business), "operations are gone from /openapi.json"
    return business


@pytest.fixture
def unchanged(place: Place, owner: Merchant) -> Iterator[None]:
    """Whatever a test tries, the owner's rows stay as they are."""
    settle(place)
    before = fingerprints(place, owner.account)
    yield
    settle(place)
    after = fingerprints(place, owner.account)
    assert after == before, [table for table in before if before[table] != after[table]]


def settle(place: Place) -> None:
    """Wait until the worker has taken what was committed: its queue is not a try's effect."""
    end = time.monotonic() + 20
    while place.fetch("select 1 from gateway.outbox limit 1") and time.monotonic() < end:
        time.sleep(0.05)


def fingerprints(place: Place, account: str) -> dict[str, str]:
    found = {}
    for table in STATE:
        what = "id" if table == "delivery" else "t::text"  # deliveries to a closed port go on being tried
        where = "id = $1" if table == "account" else "account = $1 and not livemode"
        rows = place.fetch(f"select {what} as row from gateway.{table} t where {where} order by 1", account)
        found[table] = f"{len(rows)} {sha256(repr([row['row'] for row in rows]).encode()).hexdigest()}"
    return found


def assert_on_record(place: Place, tries: Mapping[str, tuple[str, str]]) -> None:
    """``tries``: request id -> (what was tried, audit action). Each has its row, written before the answer."""
    rows = place.fetch(
        "select request, action, outcome from gateway.audit where request = any($1::text[])", list(tries)
    )
    found = {(row["request"], row["action"]) for row in rows if row["outcome"] == "refused"}
    lacking = [what for request, (what, action) in tries.items() if (request, action) not in found]
    assert not lacking, f"not on record: {lacking}"


class Tries:
    """Sends a few tries from each address, because past twenty a minute refusals are counted, not listed."""

    def __init__(self, place: Place, key: str | None) -> None:
        self._place, self._key = place, key
        self._client, self._sent = place.client(key), 0
        self.record: dict[str, tuple[str, str]] = {}

    def send(self, operation: Operation, objects: Mapping[str, str], params: Mapping[str, Any] | None = None) -> Reply:
        if self._sent >= 15:
            self._client.close()
            self._client, self._sent = self._place.client(self._key), 0
        self._sent += 1
        given = operation.needed(objects) if params is None else params
        return self._client.request(operation.method, operation.url(objects), given, headers=VERSION)

    def expect(self, reply: Reply, what: str, action: str) -> None:
        self.record[reply.request_id] = (what, action)

    def close(self) -> None:
        self._client.close()
        assert_on_record(self._place, self.record)


@pytest.mark.usefixtures("unchanged")
def test_without_a_key(place: Place, owner: Merchant, operations: list[Operation]) -> None:
    tries = Tries(place, None)
    for operation in operations:
        reply = tries.send(operation, owner.objects)
        assert reply.status == 401, (operation.name, reply.text)
        tries.expect(reply, operation.name, "authentication.refused")
    tries.close()


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("how", ["malformed", "unknown", "altered", "expired", "revoked", "basic with a password"])
def test_with_a_key_that_is_not_good(place: Place, owner: Merchant, operations: list[Operation], how: str) -> None:
    header, code = _bad_key(place, owner, how)
    tries = Tries(place, None)
    client = place.client()
    for number, operation in enumerate(operations):
        if number % 15 == 14:
            client = place.client()
        reply = _once_in_time(client, operation, owner, header)
        assert reply.status == 401, (operation.name, reply.text)
        assert reply.error.get("code") == code
        assert header.split()[-1] not in reply.text
        tries.expect(reply, operation.name, "authentication.refused")
    tries.close()


def _once_in_time(client: Client, operation: Operation, owner: Merchant, header: str) -> Reply:
    """The answer to a bad key that is not too fast: one key that fails is slowed down wherever it comes from."""
    while True:
        reply = client.request(
            operation.method, operation.url(owner.objects), operation.needed(owner.objects),
            headers={"Authorization": header},
        )
        if reply.status != 429:
            return reply
        time.sleep(int(reply.headers["retry-after"]))


def _bad_key(place: Place, owner: Merchant, how: str) -> tuple[str, str | None]:
    if how == "malformed":
        return "Bearer sk_test_123", None
    if how == "unknown":  # a whole key of this account, of another installation
        (key,) = place.keys(owner.account, [("secret", {})])
        hint = f"{key[:8]}...{key[-4:]}"
        place.fetch("delete from gateway.api_key where account = $1 and hint = $2", owner.account, hint)
        return f"Bearer {key}", None
    if how == "altered":
        return f"Bearer {owner.secret_key[:-1]}{'A' if owner.secret_key[-1] != 'A' else 'B'}", None
    if how == "basic with a password":
        return basic(owner.secret_key + ":pass"), None
    words = ["--expires-in", "4s"] if how == "expired" else []
    made = place.running.command("keys", "create", "--name", how, *words).stdout.split()
    key, id_ = made[0], made[2].rstrip(".")
    if how == "expired":
        time.sleep(4.2)
        return f"Bearer {key}", "api_key_expired"
    client = place.client(key)
    assert client.get("/v1/balance").status == 200
    place.running.command("keys", "revoke", id_)
    time.sleep(1.1)  # what a process believes of a key it believes for at most a second
    return f"Bearer {key}", None


@pytest.mark.usefixtures("unchanged")
def test_another_accounts_ids_in_the_path(
    place: Place, owner: Merchant, stranger: Merchant, operations: list[Operation]
) -> None:
    tries = Tries(place, stranger.secret_key)
    tried = 0
    for operation in operations:
        for collection in dict.fromkeys(operation.collections):
            objects = {**stranger.objects, collection: owner.objects[collection]}
            reply = tries.send(operation, objects, operation.needed(stranger.objects))
            assert_nothing_told(reply, owner, operation.name, sent={owner.objects[collection]})
            assert reply.status == 404, (operation.name, reply.text)
            assert reply.error["code"] == "resource_missing"
            tries.expect(reply, operation.name, "object.not_found")
            tried += 1
    tries.close()
    assert tried >= 28


@pytest.mark.usefixtures("unchanged")
def test_another_accounts_ids_in_parameters(
    place: Place, owner: Merchant, stranger: Merchant, operations: list[Operation]
) -> None:
    """Each is refused as missing, or, as a filter, finds nothing: word for word as an id that never was."""
    tries = Tries(place, stranger.secret_key)
    tried, wrong = 0, []
    client = place.client(stranger.secret_key)
    own = {  # whose state refuses nothing
        **stranger.objects,
        "payment_intents": client.post("/v1/payment_intents", {"amount": 700, "currency": "usd"}).json["id"],
        "setup_intents": client.post("/v1/setup_intents").json["id"],
    }
    for operation in operations:
        for param, collection in operation.id_params():
            foreign = owner.objects.get(collection)
            if foreign is None:
                continue
            needed = {**operation.needed(own), **operation.beside(param)}
            reply = tries.send(operation, own, {**needed, param: foreign})
            what = f"{operation.name} {param}"
            assert_nothing_told(reply, owner, what, sent={foreign})
            absent = foreign[:-6] + "zzzzzz"
            told = tries.send(operation, own, {**needed, param: absent})
            if (reply.status, reply.text) != (told.status, told.text.replace(absent, foreign)):
                wrong.append(f"{what}: {reply.text[:200]} unlike an id that never was: {told.text[:200]}")
            if reply.status == 400 and reply.error.get("code") == "resource_missing":
                tries.expect(reply, what, "object.not_found")
            elif reply.status == 200:
                if operation.method != "GET" or reply.json["data"]:
                    wrong.append(f"{what}: {reply.text[:300]}")
            elif reply.status != 400 or reply.error.get("code") not in ASKED_ABOUT_OTHERS:
                wrong.append(f"{what}: {reply.status} {reply.text[:300]}")
            tried += 1
    tries.close()
    assert not wrong, "\n".join(wrong)
    print(f"{tried} parameters tried with a foreign id")
    assert tried >= 40


def assert_nothing_told(reply: Reply, owner: Merchant, what: str, *, sent: set[str]) -> None:
    text = reply.text
    for id_ in sent:
        text = text.replace(id_, "")
    for id_ in (*owner.objects.values(), *owner.client_secrets.values(), owner.account[-8:]):
        assert id_ not in text, f"{what} tells of {id_}"


@pytest.mark.usefixtures("unchanged")
def test_the_other_modes_key(place: Place, owner: Merchant, operations: list[Operation]) -> None:
    """Live keys do not see test objects; and test keys do not see live ones."""
    live = place.running["live_secret_key"]
    customer = place.client(live).post("/v1/customers", {"name": "live"}).json["id"]
    tries = Tries(place, live)
    for operation in operations:
        if operation.collections and operation.resource != "account":
            reply = tries.send(operation, owner.objects)
            assert reply.status in (400, 404), (operation.name, reply.text)  # 400 where a parameter is foreign as well
            assert reply.error["code"] == "resource_missing"
            assert_nothing_told(reply, owner, operation.name, sent=set(owner.objects.values()))
            tries.expect(reply, operation.name, "object.not_found")
    tries.close()
    tries = Tries(place, owner.secret_key)
    for operation in operations:
        if operation.collections[:1] == ("customers",):
            reply = tries.send(operation, {**owner.objects, "customers": customer})
            assert reply.status == 404, (operation.name, reply.text)
            tries.expect(reply, operation.name, "object.not_found")
    tries.close()


@pytest.mark.usefixtures("unchanged")
def test_publishable_keys(place: Place, owner: Merchant, operations: list[Operation]) -> None:
    """They may do what is documented with a public form, with the object's client secret, and nothing else."""
    (key,) = place.keys(owner.account, [("publishable", {})])
    tries = Tries(place, key)
    opened = set()
    for operation in operations:
        if operation.returns_public:
            opened.add(operation.name)
            continue
        reply = tries.send(operation, owner.objects)
        assert (reply.status, reply.error.get("code")) == (403, "secret_key_required"), (operation.name, reply.text)
        tries.expect(reply, operation.name, "permission.refused")
    tries.close()
    assert opened == {
        "payment_method.create", "payment_intent.get", "payment_intent.confirm", "payment_intent.cancel",
        "setup_intent.get", "setup_intent.confirm", "token.create", "radar_session.create", "collector.get",
    }, "what a shopper's browser may do has changed: is that wanted?"


@pytest.mark.usefixtures("unchanged")
def test_publishable_keys_without_the_right_client_secret(
    place: Place, owner: Merchant, stranger: Merchant, operations: list[Operation]
) -> None:
    (own,) = place.keys(owner.account, [("publishable", {})])
    (foreign,) = place.keys(stranger.account, [("publishable", {})])
    for operation in operations:
        if not (operation.returns_public and operation.wants_client_secret):
            continue
        (collection,) = operation.collections
        right = owner.client_secrets[collection]
        other = next(secret for name, secret in owner.client_secrets.items() if name != collection)
        wrong = ["x", right[:-1], right + "a", right.partition("_secret_")[0], other]
        wrong.append(stranger.client_secrets[collection])
        tries = Tries(place, own)
        reply = tries.send(operation, owner.objects, {})
        assert (reply.status, reply.error["param"]) == (400, "client_secret"), reply.text
        for secret in wrong:
            reply = tries.send(operation, owner.objects, {"client_secret": secret})
            assert (reply.status, reply.error["param"]) == (403, "client_secret"), (operation.name, reply.text)
            assert right not in reply.text
            tries.expect(reply, operation.name, "client_secret.refused")
        tries.close()
        tries = Tries(place, foreign)
        reply = tries.send(operation, owner.objects, {"client_secret": right})
        assert reply.status in (403, 404), "another account's publishable key passed with a stolen client secret"
        tries.expect(reply, operation.name, "client_secret.refused" if reply.status == 403 else "object.not_found")
        tries.close()


def test_publishable_keys_see_the_reduced_object_only(place: Place, owner: Merchant) -> None:
    (key,) = place.keys(owner.account, [("publishable", {})])
    for collection, secret in owner.client_secrets.items():
        id_ = owner.objects[collection]
        whole = place.client(owner.secret_key).get(f"/v1/{collection}/{id_}").json
        reduced = place.client(key).get(f"/v1/{collection}/{id_}", {"client_secret": secret}).json
        assert reduced["id"] == id_ and set(reduced) < set(whole)
        assert not {"customer", "metadata", "latest_charge", "application"} & set(reduced)


def test_each_restricted_permission(place: Place, owner: Merchant, operations: list[Operation]) -> None:
    """Off: refused with the permission's name. On, and nothing else on: not refused for permission."""
    resources = sorted({operation.resource for operation in operations})
    everything: dict[str, Access] = dict.fromkeys(resources, "write")
    off: list[dict[str, Access]] = [{**everything, resource: "none"} for resource in resources]
    reading: list[dict[str, Access]] = [{**everything, resource: "read"} for resource in resources]
    alone: list[dict[str, Access]] = [{resource: "write"} for resource in resources]
    keys = place.keys(owner.account, [("restricted", granted) for granted in (*off, *reading, *alone)])
    size = len(resources)
    for number, resource in enumerate(resources):
        without, read_only, only = (Tries(place, keys[number + size * group]) for group in range(3))
        for operation in operations:
            mine = operation.resource == resource
            if mine:
                _refused(without, operation, owner)
                if operation.access == "write":
                    _refused(read_only, operation, owner)
            else:
                _refused(only, operation, owner)
        missing = {name: f"{name}_0000000000000" for name in owner.objects}
        for operation in operations:
            if operation.resource == resource:
                reply = only.send(operation, missing, {})
                if reply.status == 403 and reply.error["code"] == "person_required":
                    continue
                assert reply.status in (200, 400, 404), (operation.name, reply.text)
                if operation.access == "read":
                    assert read_only.send(operation, missing, {}).status in (200, 400, 404)
        for tries in (without, read_only, only):
            tries.close()


def _refused(tries: Tries, operation: Operation, owner: Merchant) -> None:
    reply = tries.send(operation, owner.objects)
    assert reply.status == 403, (operation.name, reply.text)
    assert f"{operation.resource}={operation.access}" in reply.error["message"]
    tries.expect(reply, operation.name, "permission.refused")


@pytest.mark.usefixtures("unchanged")
def test_unknown_parameters_are_refused(place: Place, owner: Merchant, operations: list[Operation]) -> None:
    tries = Tries(place, owner.secret_key)
    for operation in operations:
        for name in ("unknown_parameter", "metadatas[a]"):
            params = {**operation.needed(owner.objects), name: "1"}
            reply = tries.send(operation, owner.objects, params)
            assert reply.status == 400, (operation.name, reply.text)
            assert reply.error["code"] == "parameter_unknown", (operation.name, reply.text)
            assert reply.error["param"] == name.partition("[")[0]


@pytest.mark.usefixtures("unchanged")
def test_foreign_account_headers_and_secret_keys_in_browsers_are_refused(
    place: Place, owner: Merchant, stranger: Merchant, operations: list[Operation]
) -> None:
    for operation in operations:
        client = place.client(owner.secret_key)
        record = {}
        for headers, action in (
            ({"Stripe-Account": stranger.account}, "account.foreign"),
            ({"Stripe-Context": stranger.account}, "account.foreign"),
            ({"Origin": "https://shop.example"}, "key.in_browser"),
            ({"Sec-Fetch-Site": "cross-site"}, "key.in_browser"),
        ):
            reply = client.request(operation.method, operation.url(owner.objects), {}, headers=headers)
            assert reply.status == 403, (operation.name, headers, reply.text)
            record[reply.request_id] = (f"{operation.name} {headers}", action)
        reply = client.request("GET", f"{operation.url(owner.objects)}?key={owner.secret_key}")
        assert reply.status in (400, 405), reply.text
        assert owner.secret_key not in reply.text
        client.close()
        assert_on_record(place, record)


def test_every_refusal_speaks_the_envelope(place: Place, owner: Merchant, operations: list[Operation]) -> None:
    """``check`` in the client looks at every answer; here the statuses that no operation gives by itself."""
    client = place.client(owner.secret_key)
    assert {client.get(path).status for path in ("/v1/nothing", "/", "/v1/../../etc/passwd", "/nothing")} == {404}
    assert client.get("/metrics").status == 403
    for path in {operation.url(owner.objects) for operation in operations}:
        allowed = {operation.method for operation in operations if operation.url(owner.objects) == path}
        for method in {"GET", "POST", "DELETE", "PUT", "PATCH", "TRACE", "PROPFIND"} - allowed:
            strange = place.client(owner.secret_key)
            reply = strange.request(method, path)
            strange.close()
            assert reply.status == 405, (method, path, reply.status)
            assert allowed == set(reply.headers["allow"].split(", "))
        reply = place.client(owner.secret_key).request("OPTIONS", path)
        assert reply.status in (200, 405) and allowed == set(reply.headers["allow"].split(", ")) - {"OPTIONS"}, path
    path = "/v1/payment_intents"
    cases: list[tuple[int, dict[str, Any]]] = [
        (413, {"body": b"a=" + b"1" * 2_000_000}),
        (415, {"body": b"<x/>", "headers": {"Content-Type": "application/xml"}}),
        (400, {"body": b'{"amount":1}', "headers": {"Content-Type": "application/json"}}),
        (400, {"body": b"amount=1&amount=2"}),
        (400, {"body": b"amount=%00"}),
        (400, {"body": b"amount=\xff"}),
        (400, {"body": b"a[b][c][d][e][f][g][h]=1"}),
        (400, {"body": b"amount=1e3&currency=usd"}),
        (400, {"body": b"amount=" + b"9" * 400 + b"&currency=usd"}),
        (400, {"headers": {"Stripe-Version": "yesterday"}}),
        (400, {"headers": {"Idempotency-Key": "x" * 256}}),
    ]
    for status, options in cases:
        reply = place.client(owner.secret_key).post(path, **options)
        assert reply.status == status, (status, reply.text)


def test_a_slow_key_is_limited_in_the_envelope(place: Place) -> None:
    made = place.running.command("keys", "create", "--kind", "publishable").stdout.split()[0]
    client = place.client(made)
    replies = [client.post("/v1/payment_methods", {"type": "card"}) for _ in range(40)]
    limited = [reply for reply in replies if reply.status == 429]
    assert 10 <= len(limited) <= 25, [reply.status for reply in replies]
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in limited)
    assert limited[0].headers["stripe-rate-limited-reason"] == "global-rate"


def test_every_write_has_an_audit_word() -> None:
    """From the declarations themselves, which the gateway's routes are made of."""
    declared = declared_operations()
    for operation in declared:
        assert (operation.audit is not None) == (operation.access == "write"), operation.name
        assert operation.access in ("read", "write") and operation.resource
    assert len({operation.name for operation in declared}) == len(declared)


def test_successful_writes_and_reads_are_on_record(place: Place, owner: Merchant) -> None:
    client: Client = place.client(owner.secret_key)
    reply = client.post("/v1/customers", {"name": "on record"})
    rows = place.fetch("select action from gateway.audit where request = $1 and outcome <> 'refused'", reply.request_id)
    assert [row["action"] for row in rows] == ["customer.create"]
    client.get("/v1/balance")
    end = time.monotonic() + 5
    while time.monotonic() < end:
        seen = place.fetch(
            "select detail from gateway.audit where action = 'request.seen' and address = $1", client.address
        )
        if any("balance.get" in row["detail"] for row in seen):
            return
        time.sleep(0.1)
    raise AssertionError("the read was not counted")
