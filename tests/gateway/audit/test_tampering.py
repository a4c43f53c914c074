"""Whatever is changed in the sealed log is found, and said where: column by column, row by row, state by state."""

from pathlib import Path

import pytest

from lockgate.gateway.audit import publish
from lockgate.gateway.audit.core import kept
from lockgate.gateway.audit.core.leaf import NO_CHAIN, leaf, link
from lockgate.gateway.audit.find_seals import CheckpointRow, seals
from lockgate.gateway.audit.seal import Broken
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel import merkle
from tests.gateway.audit.room import Room

EDITS = {
    "account": "'acct_other'",
    "livemode": "not livemode",
    "id": "id || 'x'",
    "created_ms": "created_ms + 1",
    "action": "'payment_intent.cancel'",
    "outcome": "'refused'",
    "actor": "'secret:key_2'",
    "object": "null",
    "address": "'192.0.2.8'",
    "request": "request || ' '",
    "detail": "detail || '{\"amount\": 99}'",
    "personal": "null",
    "tx": "tx - 1",
}


async def reseal(room: Room, start: int) -> None:
    """Do all of the sealer's work again from ``start`` on, as somebody with the owner's rights could."""
    rows = await seals(room.ports.sealing, 0, 10_000)
    chain = NO_CHAIN
    for seal, row in rows:
        assert row is not None
        leaf_ = leaf(row)
        chain = link(chain, leaf_, account=row.account, livemode=row.livemode, record=row.id, tx=row.tx or 0)
        if seal.seq >= start:
            await room.vandal.execute(
                "update audit_seal set leaf = $2, chain = $3, account = $4, livemode = $5, record = $6, tx = $7"
                " where seq = $1",
                seal.seq, leaf_, chain, row.account, row.livemode, row.id, row.tx,
            )


def test_every_column_is_tried() -> None:
    assert set(EDITS) == set(AuditRow._fields)


async def test_an_edit_of_any_column_is_found_at_its_record(room: Room) -> None:
    await room.filled(4, 3)
    [victim] = [pair[1] for pair in await seals(room.ports.sealing, 2, 1)]
    assert victim is not None
    for column, value in EDITS.items():
        change = room.vandal.transaction()
        await change.start()
        await room.vandal.execute(f"update audit set {column} = {value} where id = $1", victim.id)
        await change.commit()
        faults = (await room.check()).faults
        assert faults, f"nobody noticed {column}"
        assert all(victim.id in fault.where for fault in faults), (column, faults)
        await room.vandal.execute("delete from audit where id like $1 || '%'", victim.id)
        await room.vandal.execute("insert into audit select ($1::audit).*", victim)
        assert await room.kinds() == set()


@pytest.mark.parametrize(
    ("statement", "kinds"),
    [
        ("delete from audit where id = (select record from audit_seal where seq = 2)", {"deleted"}),
        ("delete from audit where id in (select record from audit_seal where seq >= 5)", {"deleted"}),
        ("delete from audit_seal where seq = 3", {"deleted", "chain", "tree", "inserted"}),
        ("delete from audit_seal where seq >= 5", {"truncated"}),
        ("delete from audit_seal where seq >= 5; delete from audit_checkpoint where size > 5", {"truncated"}),
        ("insert into audit select account, livemode, 'aud_new', created_ms, action, outcome, actor, object, address,"
         " request, detail, personal, tx from audit where id = (select record from audit_seal where seq = 1)",
         {"inserted"}),
        ("insert into audit select 'acct_other', livemode, id, created_ms, action, outcome, actor, object, address,"
         " request, detail, personal, tx from audit where id = (select record from audit_seal where seq = 1)",
         {"inserted"}),
        ("update audit_seal set leaf = sha256(leaf) where seq = 2", {"chain", "edited", "tree"}),
        ("update audit_seal set chain = sha256(chain) where seq = 2", {"chain"}),
        ("update audit_seal set account = 'acct_x' where seq = 2", {"chain", "deleted", "inserted"}),
        ("update audit_seal set tx = tx + 1 where seq = 2", {"chain"}),
        ("update audit_seal set seq = case seq when 2 then 100 else seq end where seq = 2;"
         " update audit_seal set seq = 2 where seq = 3; update audit_seal set seq = 3 where seq = 100",
         {"chain", "reordered", "tree"}),
        ("update audit_checkpoint set root = sha256(root) where size = 4", {"signature"}),
        ("update audit_checkpoint set note = replace(note, E'\\n4\\n', E'\\n5\\n') where size = 4", {"signature"}),
        ("update audit_checkpoint set note = 'nothing' where size = 4", {"signature"}),
        ("update audit_checkpoint set at_ms = 0 where size = 4", {"signature"}),
    ],
)
async def test_an_edit_of_the_log_is_found(room: Room, statement: str, kinds: set[str]) -> None:
    await room.filled(4, 3)
    await room.vandal.execute(statement)
    faults = (await room.check()).faults
    assert {fault.kind for fault in faults} == kinds, faults


async def test_who_seals_everything_anew_is_held_to_the_signed_root(room: Room) -> None:
    await room.filled(4, 3)
    await room.vandal.execute(
        "update audit set detail = '{\"amount\": 9}' where id = (select record from audit_seal where seq = 5)"
    )
    await reseal(room, 5)
    faults = (await room.check()).faults
    assert {fault.kind for fault in faults} == {"tree"}
    assert any("from seal 4 on" in fault.what and "checkpoint 7" in fault.where for fault in faults)


async def test_who_also_drops_the_checkpoints_is_held_to_the_vaults_memory(room: Room) -> None:
    await room.filled(4, 3)
    await room.vandal.execute("update audit set action = 'x' where id = (select record from audit_seal where seq = 5)")
    await reseal(room, 5)
    await room.vandal.execute("delete from audit_checkpoint where size = 7")
    assert await room.kinds(vault=False) == set(), "nothing in this schema tells"
    assert await room.kinds() == {"tree"}
    await room.write(1)
    await room.seal()
    with pytest.raises(Broken, match="continue"):
        await room.sign()


async def test_a_return_to_an_old_signed_state_is_found_by_a_checkpoint_kept_outside(
    room: Room, tmp_path: Path
) -> None:
    """Everything is set back together, the vault's memory too: all that is left says that all is well."""
    first, second = await room.filled(4, 3)
    assert await publish.publish(room.ports.sealing, tmp_path) == 2
    await room.vandal.execute(
        "delete from audit where id in (select record from audit_seal where seq >= 4);"
        " delete from audit_seal where seq >= 4; delete from audit_checkpoint where size > 4"
    )
    await room.vandal.execute("update vault.checkpoint set size = 4, root = $1", first.root)
    assert await room.kinds() == set()
    outside = [("checkpoints.jsonl", note) for note in kept.notes_in((tmp_path / publish.FILE).read_text())]
    assert await room.kinds(outside) == {"truncated"}
    assert await room.kinds([("a note", second.note)]) == {"truncated"}
    with pytest.raises(Broken, match="does not have"):
        await publish.publish(room.ports.sealing, tmp_path)
    await room.filled(3)
    assert await room.kinds(outside) == {"tree"}, "the same number of other records"


async def test_checkpoints_are_appended_outside_and_a_torn_line_is_mended(room: Room, tmp_path: Path) -> None:
    file = tmp_path / publish.FILE
    await room.filled(2)
    assert await publish.publish(room.ports.sealing, tmp_path) == 1
    before = file.read_bytes()
    with file.open("ab") as torn:
        torn.write(b'{"size":4,"no')
    await room.filled(2)
    assert await publish.publish(room.ports.sealing, tmp_path) == 1
    assert file.read_bytes().startswith(before)
    assert await publish.publish(room.ports.sealing, tmp_path) == 0
    outside = list(kept.notes_in(file.read_text()))
    assert len(outside) == 2
    assert await room.kinds([("file", note) for note in outside]) == set()
    assert list(kept.notes_in(outside[0])) == outside[:1]


async def test_a_changed_node_is_found(room: Room) -> None:
    await room.write(20)
    await room.vandal.execute(
        "insert into audit select account, livemode, id || '_' || n, created_ms, action, outcome, actor, object,"
        " address, request, detail, personal from audit, generate_series(1, 15) n"
    )
    await room.seal()
    await room.sign()
    await room.vandal.execute("update audit_node set hash = sha256(hash)")
    assert await room.kinds() == {"tree"}


async def test_a_checkpoint_of_another_key_is_no_checkpoint(room: Room) -> None:
    await room.filled(3)
    root = merkle.leaf_hash(b"x")
    forged = CheckpointRow(3, root, root, 1, "lockgate/acct_shop\n3\nx\n\n— lockgate/acct_shop AAAA\n")
    assert await room.kinds([("forged", forged.note)]) == {"signature"}
