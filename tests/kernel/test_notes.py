"""Notes are read when their key signed them, byte for byte, and never else."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.kernel import notes

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
NAME = "lockgate/acct_1"
VERIFIER = notes.verifier(NAME, PUBLIC)
CHECKPOINT = notes.Checkpoint(NAME, 7, bytes(32), bytes([1]) * 32, 1_700_000_000_000)


def signed(text: str, name: str = NAME) -> str:
    return notes.attach(text, KEY.sign(text.encode()), name=name, public=PUBLIC)


def test_a_checkpoint_reads_as_it_was_signed() -> None:
    note = signed(CHECKPOINT.text())
    assert notes.checkpoint(note, VERIFIER) == CHECKPOINT
    assert note.splitlines()[0] == NAME and note.splitlines()[1] == "7"
    assert note.splitlines()[6].startswith(f"— {NAME} ")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_byte_of_a_note_can_change(data: st.DataObject) -> None:
    raw = signed(CHECKPOINT.text()).encode()
    place = data.draw(st.integers(0, len(raw) - 1))
    changed = bytearray(raw)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((notes.BadNote, UnicodeDecodeError)):
        notes.checkpoint(bytes(changed).decode(), VERIFIER)
    with pytest.raises((notes.BadNote, UnicodeDecodeError)):
        notes.checkpoint(raw[:place].decode(), VERIFIER)


def test_other_keys_other_names_and_other_texts_are_refused() -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    note = signed(CHECKPOINT.text())
    with pytest.raises(notes.BadNote, match="not signed by this key"):
        notes.checkpoint(note, notes.verifier(NAME, other))
    with pytest.raises(notes.BadNote):
        notes.checkpoint(note, VERIFIER.replace("acct_1", "acct_2"))
    with pytest.raises(notes.BadNote, match="no checkpoint"):
        notes.checkpoint(signed(notes.Export(NAME, 3, bytes(32)).text()), VERIFIER)
    with pytest.raises(notes.BadNote, match="another log"):
        notes.checkpoint(signed(CHECKPOINT._replace(origin="lockgate/acct_9").text()), VERIFIER)
    for bad in ("", "x", "a+b+c", VERIFIER[:-2]):
        with pytest.raises(notes.BadNote):
            notes.opened(note, bad)


def test_a_witness_may_sign_too() -> None:
    text = CHECKPOINT.text()
    witness = Ed25519PrivateKey.generate()
    second = notes.attach(
        text, witness.sign(text.encode()), name="witness", public=witness.public_key().public_bytes_raw()
    ).rpartition("\n\n")[2]
    assert notes.checkpoint(signed(text) + second, VERIFIER) == CHECKPOINT
