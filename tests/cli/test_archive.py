"""A backup file opens whole and in order under its own key, and not at all otherwise."""

import io
import itertools

import pytest

from lockgate.cli.archive import CHUNK_BYTES, MAGIC, DamagedError, Opener, Sealer, key_id

KEY = bytes(range(32))
ABOUT = {"created": 1}
SEALED_CHUNK = CHUNK_BYTES + 16


def _sealed(content: bytes, *, pieces: int = 70_000) -> bytes:
    target = io.BytesIO()
    sealer = Sealer(target, KEY, ABOUT)
    for at in range(0, len(content), pieces):
        sealer.write(content[at : at + pieces])
    sealer.finish()
    return target.getvalue()


def _opened(sealed: bytes, key: bytes = KEY) -> bytes:
    return io.BufferedReader(Opener(io.BytesIO(sealed), key)).read()


def _content(size: int) -> bytes:
    return bytes(itertools.islice(itertools.cycle(range(251)), size))


def _chunks(sealed: bytes) -> tuple[bytes, list[bytes]]:
    start = len(MAGIC) + 4 + int.from_bytes(sealed[len(MAGIC) : len(MAGIC) + 4], "big")
    body = sealed[start:]
    return sealed[:start], [body[at : at + SEALED_CHUNK] for at in range(0, len(body), SEALED_CHUNK)]


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 5])
def test_what_goes_in_comes_out(size: int) -> None:
    content = _content(size)
    sealed = _sealed(content)
    assert _opened(sealed) == content
    assert size < 32 or content[:32] not in sealed


def test_two_files_of_one_content_share_no_chunk() -> None:
    content = _content(2 * CHUNK_BYTES)
    assert not set(_chunks(_sealed(content))[1]) & set(_chunks(_sealed(content))[1])


def test_a_flipped_bit_anywhere_is_refused() -> None:
    sealed = _sealed(_content(CHUNK_BYTES + 100))
    places = [*range(0, 300, 7), 5000, CHUNK_BYTES, len(sealed) - 17, len(sealed) - 1]
    for place in places:
        damaged = bytearray(sealed)
        damaged[place] ^= 1
        with pytest.raises(DamagedError):
            _opened(bytes(damaged))


def test_a_cut_a_swap_a_repeat_and_an_addition_are_refused() -> None:
    head, chunks = _chunks(_sealed(_content(3 * CHUNK_BYTES + 9)))
    other = _chunks(_sealed(_content(3 * CHUNK_BYTES + 9)))[1]
    assert len(chunks) == 4
    for wrong in (
        [], chunks[:1], chunks[:-1], [*chunks[:-1], chunks[-1][:-1]], [chunks[1], chunks[0], *chunks[2:]],
        [chunks[0], *chunks], [*chunks, chunks[-1]], [*chunks, b"x"], [*chunks, bytes(16)],
        [other[0], *chunks[1:]], chunks[1:],
    ):  # fmt: skip
        with pytest.raises(DamagedError):
            _opened(head + b"".join(wrong))
    assert _opened(head + b"".join(chunks)) == _content(3 * CHUNK_BYTES + 9)


def test_another_key_is_named_as_such_and_a_forged_name_does_not_help() -> None:
    sealed, other = _sealed(b"content"), bytes(32)
    with pytest.raises(DamagedError, match="another key"):
        _opened(sealed, other)
    with pytest.raises(DamagedError, match="altered"):
        _opened(sealed.replace(key_id(KEY).encode(), key_id(other).encode()), other)


@pytest.mark.parametrize("start", [b"", b"LGBACKUP\x02", MAGIC + b"\xff\xff\xff\xff", MAGIC + b"\x00\x00\x00\x02{}"])
def test_other_files_are_refused_by_their_start(start: bytes) -> None:
    with pytest.raises(DamagedError):
        _opened(start + bytes(64))
