"""A key at an address where it has not been."""


async def used(room, address, *, actor="secret:mk_1", outcome="done"):
    room.now_ms += 120_000
    await room.happen("payment_intent.create", actor=actor, address=address, outcome=outcome)
    await room.judge()


async def test_the_second_address_fires_and_the_first_or_a_known_one_does_not(room):
    await used(room, "10.0.0.1")
    await used(room, "10.0.0.1")
    assert await room.alerts() == []
    await used(room, "10.0.0.2", outcome="refused")  # a key that may not do this was used all the same
    await used(room, "10.0.0.1")
    await used(room, "10.0.0.2")
    [alert] = await room.alerts()
    assert (alert["rule"], alert["subject"], alert["count"]) == ("key_new_address", "secret:mk_1", 1)
    await used(room, "10.0.0.3")
    [alert] = await room.alerts()
    assert alert["count"] == 2


async def test_people_move_and_keys_of_shoppers_are_everywhere(room):
    for actor in ("person:per_1", "publishable:mk_2", "ephemeral:ek_1", "internal:worker"):
        for n in range(3):
            await used(room, f"10.0.0.{n}", actor=actor)
    assert await room.alerts() == []
