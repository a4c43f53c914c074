"""Sealing loses nothing, doubles nothing and holds nobody up, whoever commits late, dies, or seals at the same time."""

import asyncio

import asyncpg
import pytest

from lockgate.gateway.audit import checkpoint, find_seals
from lockgate.gateway.audit.core.leaf import NO_CHAIN, leaf, linked
from lockgate.gateway.audit.seal import Broken, Sealer
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel import merkle, notes
from tests.gateway.audit.room import ORIGIN, Room, told


async def sealed(room: Room) -> list[str]:
    return [seal.record for seal, _ in await find_seals.seals(room.ports.sealing, 0, 100_000)]


async def test_records_are_chained_in_the_order_of_their_transactions(room: Room) -> None:
    rows = await room.write(5)
    assert await room.seal() == 5
    assert await room.seal() == 0
    chain = NO_CHAIN
    for number, (seal, row) in enumerate(await find_seals.seals(room.ports.sealing, 0, 10)):
        assert row is not None and seal.seq == number and seal.record == row.id == rows[number].id
        assert seal.leaf == leaf(row)
        chain = linked(chain, seal)
        assert seal.chain == chain
    assert (await room.check()).faults == []


async def test_what_commits_late_is_sealed_after_what_waited_for_it(room: Room) -> None:
    async with room.ports.pool.acquire() as slow:
        held = slow.transaction()
        await held.start()
        late = told(0)
        await insert_audits(slow, [late])
        early = await room.write(3)
        assert await room.seal() == 0, "a record of an older transaction may still come"
        await held.commit()
    assert await room.seal() == 4
    assert await sealed(room) == [late.id, *(row.id for row in early)]
    assert await room.kinds() == set()


async def test_many_writers_many_sealers_and_late_commits_lose_nothing(room: Room) -> None:
    written: list[str] = []
    done = asyncio.Event()

    async def writer(number: int) -> None:
        for step in range(25):
            async with room.ports.pool.acquire() as connection, connection.transaction():
                row = told(number * 100 + step)
                await insert_audits(connection, [row])
                await asyncio.sleep(0.002 * ((number + step) % 4))
                second = told(number * 100 + step, livemode=True)
                await insert_audits(connection, [second])
            written.extend((row.id, second.id))

    async def sealing() -> None:
        mine = Sealer(room.ports.sealing)
        while not done.is_set():
            await mine.portion(7)
            await asyncio.sleep(0.001)

    sealers = [asyncio.create_task(sealing()) for _ in range(2)]
    await asyncio.gather(*(writer(number) for number in range(4)))
    done.set()
    await asyncio.gather(*sealers)
    await room.seal()
    found = await sealed(room)
    assert len(found) == len(set(found)) == 200
    assert set(found) == set(written)
    assert await room.kinds() == set()


async def test_a_sealer_that_dies_in_the_middle_leaves_nothing_half_done(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.write(300)
    sealer = room.sealer
    await sealer.portion(200)

    async def die(*_: object) -> None:
        superuser = await asyncpg.connect(**room.database["superuser"])
        await superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'lockgate_sealer'"
            " and datname = current_database() and state = 'idle in transaction'"
        )
        await superuser.close()
        await asyncio.sleep(0.05)

    with monkeypatch.context() as patched:
        patched.setattr("lockgate.gateway.audit.store.insert_nodes", die)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await sealer.portion()
    assert len(await sealed(room)) == 200
    assert await sealer.portion() == 100
    assert await room.kinds() == set()


async def test_the_tree_over_many_tiles_is_the_tree(room: Room) -> None:
    await room.write(20)
    await room.vandal.execute(
        "insert into audit select account, livemode, id || '_' || n, created_ms, action, outcome, actor, object,"
        " address, request, detail, personal from audit, generate_series(1, 40) n"
    )
    assert await room.seal() == 820
    leaves = [seal.leaf for seal, _ in await find_seals.seals(room.ports.sealing, 0, 1_000)]
    model = merkle.Frontier()
    for number, one in enumerate(leaves, 1):
        model.add(one)
        if number % 97 == 0 or number in (255, 256, 257, 512, 820):
            assert (await find_seals.frontier(room.ports.sealing, number)).root() == model.root()
    assert await room.ports.sealing.fetchval("select count(*) from audit_node") == 3
    root = model.root()
    for index in (0, 1, 255, 256, 600, 819):
        proof = await find_seals.ranges(room.ports.sealing, merkle.inclusion(index, 820))
        assert merkle.includes(leaves[index], index, size=820, proof=proof, root=root)


async def test_the_vault_signs_what_continues_and_nothing_else(room: Room) -> None:
    first, second = await room.filled(3, 4)
    assert (first.size, second.size) == (3, 7)
    assert await checkpoint.make(room.ports) is None, "nothing new"
    read = notes.checkpoint(second.note, await room.key())
    assert (read.origin, read.size, read.root) == (ORIGIN, 7, second.root)
    await room.vandal.execute("update audit_seal set leaf = $1 where seq = 1", bytes(32))
    await room.write(1)
    await room.seal()
    with pytest.raises(Broken, match="did not sign"):
        await checkpoint.make(room.ports)
    await room.vandal.execute("delete from audit_seal where seq > 4")
    with pytest.raises(Broken, match="has signed 7"):
        await checkpoint.make(room.ports)


async def test_the_sealer_may_only_append(room: Room) -> None:
    await room.filled(2)
    for statement in (
        "update audit set action = 'x'", "delete from audit", "delete from audit_seal", "truncate audit_seal",
        "update audit_seal set leaf = leaf", "update audit_checkpoint set note = ''", "delete from audit_node",
        "insert into audit select * from audit", "select * from payment_intent", "select * from api_key",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await room.ports.sealing.execute(statement)
    for statement in ("insert into audit_seal select * from audit_seal", "delete from audit_checkpoint"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await room.ports.pool.execute(statement)
