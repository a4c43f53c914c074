"""The way through the door: keys, scopes, parameters, answers, and what each leaves behind."""

import asyncio
import base64
import json

import pytest

from lockgate.kernel.principal import Principal

SECURITY = {
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-type": "application/json",
}


async def test_every_kind_of_answer_has_the_security_headers_and_the_envelope(door):
    asked = {
        200: door.ask("GET", "/v1/things/thing_1"),
        400: door.ask("POST", "/v1/things", "amount=x"),
        401: door.ask("GET", "/v1/things/thing_1", key=None),
        402: door.ask("POST", "/v1/things", "amount=16"),
        403: door.ask("POST", "/v1/things", "amount=1", key="publishable"),
        404: door.ask("GET", "/nothing"),
        405: door.ask("DELETE", "/v1/things"),
        413: door.ask("POST", "/v1/things", body=b"a=" + b"b" * 1_100_000),
        415: door.ask("POST", "/v1/things", body=b"amount=1", headers=[("Content-Type", "text/plain")]),
        500: door.ask("POST", "/v1/things", "amount=13"),
        503: door.ask("POST", "/v1/things", "amount=14"),
    }
    for status, answer in asked.items():
        got = await answer
        assert got.status == status, got.body
        for name, value in SECURITY.items():
            assert got.headers[name] == value, (status, name)
        assert got.headers["request-id"].startswith("req_")
        assert "server" not in got.headers
        assert status == 200 or set(got.json) == {"error"}
        assert status == 200 or {"type", "message"} <= set(got.error)


async def test_a_fault_tells_nothing(door):
    answer = await door.ask("POST", "/v1/things", "amount=13&note=hello")
    assert answer.status == 500
    assert answer.error["type"] == "api_error"
    assert b"4242" not in answer.body and b"hello" not in answer.body and b"Runtime" not in answer.body


async def test_bearer_and_basic_are_the_same_key(door):
    text = door.keys["secret"].text
    for user in (f"{text}:", text):
        basic = base64.b64encode(user.encode()).decode()
        answer = await door.ask("GET", "/v1/things/thing_1", key=None, headers=[("Authorization", f"Basic {basic}")])
        assert answer.status == 200


async def test_refused_authentications_are_audited_one_by_one(door):
    known = door.keys["secret"].text
    typo = known[:-1] + ("a" if known[-1] != "a" else "b")
    for key in (None, "nonsense", typo):
        answer = await door.ask("GET", "/v1/things/thing_1", key=key)
        assert answer.status == 401
        assert answer.error["type"] == "invalid_request_error"
        assert key is None or key not in answer.body.decode()
        assert "Invalid API Key provided" in answer.error["message"] or key is None
    rows = await door.audits("authentication.refused")
    assert [json.loads(row["detail"])["reason"] for row in rows] == ["no_key", "malformed_key", "malformed_key"]
    assert {row["account"] for row in rows} == {"-"}
    assert {row["address"] for row in rows} == {"127.0.0.1"}


async def test_a_flood_of_bad_keys_is_counted_not_listed_and_then_slowed(door):
    answers = await asyncio.gather(*(door.ask("GET", "/v1/things/thing_1", key="x") for _ in range(40)))
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {401, 429}
    assert all(a.headers["retry-after"] == "1" for a in answers if a.status == 429)
    assert (await door.ask("GET", "/v1/things/thing_1")).status in (200, 429)
    await door.ports.witness.close()
    assert len(await door.audits("authentication.refused")) <= 20
    assert statuses.count(401) == 20 or json.loads((await door.audits("refusals.counted"))[0]["detail"])["count"] > 0


async def test_every_refused_authentication_is_listed_or_counted(door):
    """Also one that its address's earlier failures kept from being looked up."""
    await asyncio.gather(*(door.ask("GET", "/v1/things/thing_1", key="x") for _ in range(60)))
    await door.ports.witness.close()
    listed = len(await door.audits("authentication.refused"))
    counted = sum(json.loads(row["detail"])["count"] for row in await door.audits("refusals.counted"))
    assert listed == 20
    assert listed + counted == 60


async def test_a_subscriber_cannot_flood_the_log_from_all_of_its_network(door):
    for place in range(40):
        who = Principal("-", False, "internal", "unknown", address=f"2001:db8::{place:x}")
        await door.ports.witness.refused(who, "authentication.refused", reason="no_key", request=None)
    assert len(await door.audits("authentication.refused")) == 20


async def test_a_known_key_passes_while_its_address_floods(door):
    assert (await door.ask("GET", "/v1/things/thing_1")).status == 200
    await asyncio.gather(*(door.ask("GET", "/v1/things/thing_1", key="x") for _ in range(40)))
    await asyncio.sleep(1.1)
    assert (await door.ask("GET", "/v1/things/thing_1")).status == 200


async def test_a_publishable_key_can_do_nothing_but_what_is_opened_to_it(door):
    for method, path, form in (
        ("POST", "/v1/things", "amount=1"),
        ("GET", "/v1/things", None),
        ("POST", "/v1/things/thing_1/keep", ""),
        ("GET", "/v1/owners/own_1", None),
    ):
        answer = await door.ask(method, path, form, key="publishable")
        assert (answer.status, answer.error["code"]) == (403, "secret_key_required")
    assert len(await door.audits("permission.refused")) == 4


async def test_a_publishable_key_needs_the_client_secret_and_sees_less(door):
    path = "/v1/things/thing_1"
    key = door.keys["publishable"].text
    secret = door.client_secrets.of(door.account, "thing_1")
    assert (await door.ask("GET", path, key=None, query=f"key={key}")).error["param"] == "client_secret"
    wrong = door.client_secrets.of(door.account, "thing_2")
    refused = await door.ask("GET", path, key=None, query=f"key={key}&client_secret={wrong}")
    assert refused.status == 403
    assert wrong not in refused.body.decode()
    answer = await door.ask(
        "GET", path, key=None, query=f"key={key}&client_secret={secret}", headers=[("Origin", "https://shop.example")]
    )
    assert answer.status == 200
    assert answer.json == {"id": "thing_1", "object": "thing", "amount": 5, "owner": "own_1"}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


async def test_what_a_publishable_key_expands_is_reduced_too(door):
    secret = door.client_secrets.of(door.account, "thing_1")
    query = f"client_secret={secret}&expand[]=owner"
    answer = await door.ask("GET", "/v1/things/thing_1", key="publishable", query=query)
    assert answer.json["owner"] == {"id": "own_1", "object": "owner"}
    hidden = await door.ask("GET", "/v1/things/thing_1", key="publishable", query=f"{query}&expand[]=owner.best")
    assert hidden.status == 400


async def test_a_restricted_key_does_what_it_was_given(door):
    assert (await door.ask("GET", "/v1/things", key="reader")).status == 200
    refused = await door.ask("POST", "/v1/things", "amount=1", key="reader")
    assert refused.status == 403
    assert "charges=write" in refused.error["message"]
    assert (await door.ask("POST", "/v1/things", "amount=1", key="writer")).status == 200
    assert (await door.ask("GET", "/v1/owners/own_1", key="writer")).status == 403
    leak = await door.ask("GET", "/v1/things/thing_1", key="reader", query="expand[]=owner")
    assert leak.status == 403
    assert "customers=read" in leak.error["message"]


async def test_a_secret_key_in_a_browser_is_refused_and_recorded(door):
    for header in (("Origin", "https://shop.example"), ("Sec-Fetch-Site", "cross-site")):
        answer = await door.ask("GET", "/v1/things/thing_1", headers=[header])
        assert answer.status == 403
    assert len(await door.audits("key.in_browser")) == 2


async def test_a_secret_key_in_a_url_is_refused_and_recorded(door):
    text = door.keys["secret"].text
    for query in (f"key={text}", f"x=%73k_{text[3:]}"):
        answer = await door.ask("GET", "/v1/things/thing_1", key=None, query=query)
        assert answer.status == 400
        assert text.encode() not in answer.body
    assert [row["account"] for row in await door.audits("key.in_query")] == [door.account] * 2
    answer = await door.ask("POST", "/v1/things", f"amount=1&key={text}", key=None)
    assert answer.status == 401


async def test_another_account_in_a_header_is_refused(door):
    own = await door.ask("GET", "/v1/things/thing_1", headers=[("Stripe-Account", door.account)])
    assert own.status == 200
    for name in ("Stripe-Account", "Stripe-Context"):
        answer = await door.ask("GET", "/v1/things/thing_1", headers=[(name, "acct_other")])
        assert answer.status == 403
    assert len(await door.audits("account.foreign")) == 2


async def test_versions(door):
    for version in ("2020-08-27", "2026-10-28.endive", "2031-01-01"):
        answer = await door.ask("GET", "/v1/things/thing_1", headers=[("Stripe-Version", version)])
        assert (answer.status, answer.headers["stripe-version"]) == (200, version)
    for version in ("2020-08-26", "2019-01-01", "2024-13-01", "latest", "", "2024-01-01<script>"):
        answer = await door.ask("GET", "/v1/things/thing_1", headers=[("Stripe-Version", version)])
        assert answer.status == 400, version
    assert (await door.ask("GET", "/v1/things/thing_1")).headers["stripe-version"] == "2026-10-28.endive"


@pytest.mark.parametrize(
    ("form", "param", "code"),
    [
        ("", "amount", "parameter_missing"),
        ("amount=1.5", "amount", "parameter_invalid_integer"),
        ("amount=1e3", "amount", "parameter_invalid_integer"),
        ("amount=-1", "amount", "parameter_invalid_integer"),
        ("amount=99999999999999999999999", "amount", "parameter_invalid_integer"),
        ("amount=NaN", "amount", "parameter_invalid_integer"),
        ("amount=", "amount", "parameter_invalid_empty"),
        ("amount=1&color=red", "color", "parameter_unknown"),
        ("amount=1&4242424242424242=x", "#", "parameter_unknown"),
        ("amount=1&amount=2", "amount", None),
        ("amount=1&note=a%00b", None, None),
        ("amount=1&note=%ff", None, None),
        ("amount=1&note=%zz", None, None),
        ("amount=1&note[a][b][c][d][e][f][g]=1", "note", None),
        ("amount=1&note[=1", None, None),
        ("amount=1&expand[]=color", "expand[0]", None),
        ("amount=1&expand[]=owner.best.owner.best.owner", "expand[0]", None),
        ("amount=1&expand=owner", "expand", None),
        ("amount=1&tags[0]=a&tags[00]=b", "tags", None),
        ("amount=1&" + "&".join(f"a{n}=1" for n in range(1001)), None, None),
    ],
)
async def test_what_is_not_declared_is_refused_by_name(door, form, param, code):
    answer = await door.ask("POST", "/v1/things", form)
    assert answer.status == 400, answer.body
    assert answer.error.get("param") == param
    assert answer.error.get("code") == code
    assert door.shop.handled == 0


async def test_bodies_of_other_kinds_are_refused(door):
    cases = [
        (400, "POST", b'{"amount":1}', [("Content-Type", "application/json")], ""),
        (415, "POST", b"amount=1", [("Content-Type", "multipart/form-data; boundary=x")], ""),
        (415, "POST", b"amount=1", [], ""),
        (400, "POST", None, [], "amount=1"),
        (400, "GET", b"limit=1", [("Content-Type", "application/x-www-form-urlencoded")], ""),
    ]
    for status, method, body, headers, query in cases:
        answer = await door.ask(method, "/v1/things", body=body, headers=headers, query=query)
        assert answer.status == status, (method, body, answer.body)
    both = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]
    assert (await door.ask("POST", "/v1/things", body=b"amount=1", headers=both)).status == 200


async def test_expansions_read_each_property_once_and_fresh_objects_not_at_all(door):
    answer = await door.ask(
        "GET", "/v1/things", query="expand[]=data.owner&expand[1]=data.owner.best".replace("[1]", "[]")
    )
    assert answer.status == 200
    assert door.shop.loaded == [["own_0", "own_1"]]
    assert [item["owner"]["best"]["object"] for item in answer.json["data"]] == ["thing"] * 3
    made = await door.ask("POST", "/v1/things", "amount=1&expand[0]=owner")
    assert made.json["owner"]["email"] == "fresh@example.com"
    assert door.shop.loaded == [["own_0", "own_1"]]


async def test_declines_tell_a_shopper_less(door):
    answer = await door.ask("POST", "/v1/things", "amount=16")
    assert answer.status == 402
    assert answer.error["type"] == "card_error"
    assert (answer.error["decline_code"], answer.error["network_decline_code"]) == ("stolen_card", "43")


async def test_the_twenty_first_instant_request_of_a_slow_key_is_too_many(door):
    secret = door.client_secrets.of(door.account, "thing_1")
    ask = [door.ask("GET", "/v1/things/thing_1", key="slow", query=f"client_secret={secret}") for _ in range(60)]
    answers = await asyncio.gather(*ask)
    late = [answer for answer in answers if answer.status == 429]
    assert 20 <= sum(answer.status == 200 for answer in answers) <= 40
    assert late
    assert late[0].headers["retry-after"] == "1"
    assert late[0].headers["stripe-rate-limited-reason"] == "global-rate"
    assert late[0].error["code"] == "rate_limit"


async def test_paths_and_methods_that_do_not_exist(door):
    answer = await door.ask("PUT", "/v1/things/thing_1")
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert (await door.ask("TRACE", "/v1/things")).headers["allow"] == "POST, GET"
    for path in ("/", "/v1", "/v1/things/", "/v1//things", "/v1/things/a%20b", "/v1/things/..%2f", "/v1/THINGS"):
        assert (await door.ask("GET", path)).status == 404, path
    preflight = await door.ask("OPTIONS", "/v1/things/thing_1", key=None, headers=[("Origin", "https://shop.example")])
    assert (preflight.status, preflight.headers["access-control-allow-methods"]) == (200, "GET")
    assert (await door.ask("OPTIONS", "/v1/things", key=None)).status == 405


async def test_missing_objects_look_the_same_and_are_recorded(door):
    answer = await door.ask("GET", "/v1/things/thing_missing")
    assert answer.status == 404
    assert answer.error == {
        "type": "invalid_request_error",
        "message": "No such thing: 'thing_missing'",
        "code": "resource_missing",
        "param": "id",
    }
    assert len(await door.audits("object.not_found")) == 1


async def test_reads_are_counted_within_a_second(door):
    for _ in range(3):
        await door.ask("GET", "/v1/things/thing_1")
    await asyncio.sleep(1)
    rows = await door.audits("request.seen")
    assert sum(json.loads(row["detail"])["count"] for row in rows) == 3
    assert {row["account"] for row in rows} == {door.account}


async def test_pages_for_browsers_need_no_key_but_have_their_limit(door):
    answer = await door.ask("GET", "/return/a.b-c_d", key=None)
    assert (answer.status, answer.headers["location"]) == (303, "https://shop.example/?a.b-c_d")
    assert answer.headers["content-security-policy"]
    assert (await door.ask("GET", "/return/bad", key=None)).status == 404
    assert (await door.ask("GET", "/return/a/b", key=None)).status == 404
    many = await asyncio.gather(*(door.ask("GET", "/return/a", key=None) for _ in range(50)))
    assert {got.status for got in many} == {303, 429}


async def test_open_documents(door):
    assert (await door.ask("GET", "/healthz", key=None)).json == {"status": "ok"}
    document = (await door.ask("GET", "/openapi.json", key=None)).json
    assert document["openapi"] == "3.1.0"
    created = document["paths"]["/v1/things"]["post"]
    assert set(created["responses"]) >= {
        "200",
        "400",
        "401",
        "402",
        "403",
        "404",
        "409",
        "413",
        "415",
        "429",
        "500",
        "503",
    }
    assert "402" not in document["paths"]["/v1/things"]["get"]["responses"]
    assert created["x-permissions"] == {"resource": "charges", "access": "write"}
    assert door.keys["secret"].text not in json.dumps(document)


async def test_a_revoked_key_ends_within_a_second_and_a_rolled_one_after_its_overlap(door):
    from lockgate.gateway.identity.revoke import revoke
    from lockgate.gateway.identity.roll import roll
    from tests.gateway.web.door import PEPPER

    owner = Principal(door.account, False, "internal", "test")
    assert (await door.ask("GET", "/v1/things", key="reader")).status == 200
    made = await roll(door.pool, owner, door.keys["reader"].row.id, pepper=PEPPER, overlap_s=3600)
    await asyncio.sleep(1.05)
    assert (await door.ask("GET", "/v1/things", key="reader")).status == 200
    assert (await door.ask("GET", "/v1/things", key=made.text)).status == 200
    assert (await door.ask("POST", "/v1/things", "amount=1", key=made.text)).status == 403
    await revoke(door.pool, owner, made.row.id)
    await asyncio.sleep(1.05)
    assert (await door.ask("GET", "/v1/things", key=made.text)).status == 401
    assert [len(await door.audits(f"api_key.{word}")) for word in ("roll", "revoke")] == [1, 1]
    stored = await door.pool.fetch("select * from api_key")
    assert made.text not in str([tuple(row) for row in stored])
    assert all(row["last_used_at"] for row in stored if row["id"] == door.keys["reader"].row.id)


async def test_a_browser_that_is_too_fast_sees_a_page_and_a_program_json(door):
    sent = [("Accept", "text/html,*/*;q=0.8")]
    both = [door.ask("GET", "/return/good", key=None, headers=given) for given in (sent, []) * 60]
    refused = [answer for answer in await asyncio.gather(*both) if answer.status != 303]
    pages = [answer for answer in refused if answer.headers["content-type"].startswith("text/html")]
    assert pages and len(pages) < len(refused)
    for answer in refused:
        assert answer.status == 429 and int(answer.headers["retry-after"]) >= 1
        assert b"<!doctype html>" in answer.body.lower() if answer in pages else answer.error["code"] == "rate_limit"
