"""Idempotency keys: one effect, the same bytes again, and nothing else under the same key."""

import asyncio

from lockgate.kernel import clock

KEY = [("Idempotency-Key", "order-1")]


async def effects(door):
    return await door.pool.fetchval("select count(*) from customer")


async def test_a_repeated_request_gets_the_same_bytes(door):
    first = await door.ask("POST", "/v1/things", "amount=5&note=x", headers=KEY)
    again = await door.ask("POST", "/v1/things", "note=x&amount=5", headers=KEY)
    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["idempotency-key"] == first.headers["idempotency-key"] == "order-1"
    assert await effects(door) == 1


async def test_a_decline_is_repeated_too(door):
    first = await door.ask("POST", "/v1/things", "amount=16", headers=KEY)
    again = await door.ask("POST", "/v1/things", "amount=16", headers=KEY)
    assert (first.status, again.status, again.body) == (402, 402, first.body)


async def test_stored_answers_are_encrypted(door):
    await door.ask("POST", "/v1/things", "amount=5", headers=KEY)
    sealed = await door.pool.fetchval("select answer from idempotency")
    assert b"thing" not in sealed and b"object" not in sealed


async def test_other_parameters_or_another_path_are_refused_in_the_dialects_words(door):
    await door.ask("POST", "/v1/things", "amount=5", headers=KEY)
    for path, form in (("/v1/things", "amount=6"), ("/v1/things", "amount=5&expand[]=owner")):
        answer = await door.ask("POST", path, form, headers=KEY)
        assert (answer.status, answer.error["type"]) == (400, "idempotency_error")
        assert answer.error["message"] == (
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try"
            " using a key other than 'order-1' if you meant to execute a different request."
        )
    assert await effects(door) == 1


async def test_thirty_at_once_make_one_object(door):
    answers = await asyncio.gather(*(door.ask("POST", "/v1/things", "amount=5", headers=KEY) for _ in range(30)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.body for answer in answers if answer.status == 200}) == 1
    assert await effects(door) == 1


async def test_in_flight_is_told_to_try_again(door):
    died = await door.ask("POST", "/v1/things", "amount=15", headers=KEY)
    assert died.status == 500
    answer = await door.ask("POST", "/v1/things", "amount=15", headers=KEY)
    assert (answer.status, answer.error["code"]) == (409, "idempotency_key_in_use")
    assert answer.headers["stripe-should-retry"] == "true"
    assert door.settled == []


async def test_after_its_lease_a_dead_request_is_settled(door):
    await door.ask("POST", "/v1/things", "amount=15", headers=KEY)
    await door.pool.execute(
        "update idempotency set lease_until_ms = $1 where account = $2", clock.now_ms() - 1, door.account
    )
    answer = await door.ask("POST", "/v1/things", "amount=15", headers=KEY)
    assert (answer.status, answer.json["id"]) == (200, "thing_settled")
    assert [found.attempt for found in door.settled] == ["pa_open"]


async def test_what_certainly_had_no_effect_leaves_the_key_free(door):
    assert (await door.ask("POST", "/v1/things", "amount=14", headers=KEY)).status == 503
    assert (await door.ask("POST", "/v1/things", "amount=x", headers=KEY)).status == 400
    assert (await door.ask("POST", "/v1/things", "amount=5", headers=KEY)).status == 200


async def test_keys_have_a_form_and_gets_ignore_them(door):
    for key in ("k" * 256, "", "a\x7fb"):
        answer = await door.ask("POST", "/v1/things", "amount=5", headers=[("Idempotency-Key", key)])
        assert answer.status == 400, key
    long = "k" * 255
    assert (await door.ask("POST", "/v1/things", "amount=5", headers=[("Idempotency-Key", long)])).status == 200
    got = await door.ask("GET", "/v1/things/thing_1", headers=[("Idempotency-Key", long)])
    assert (got.status, got.headers.get("idempotent-replayed")) == (200, None)


async def test_an_answer_moved_to_another_key_does_not_open(door):
    await door.ask("POST", "/v1/things", "amount=5", headers=KEY)
    await door.ask("POST", "/v1/things", "amount=5", headers=[("Idempotency-Key", "order-2")])
    await door.pool.execute(
        "update idempotency set answer = (select answer from idempotency where key = 'order-2') where key = 'order-1'"
    )
    assert (await door.ask("POST", "/v1/things", "amount=5", headers=KEY)).status == 500
