"""Frames survive any cutting, and no bent one is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.kernel import wire

KEY = b"k" * 32
REQUEST = wire.Request("gateway", 7, 1_700_000_000_000, b"n" * 16, "status", {"a": b"\x00\xff", "b": [1, None]})


@given(st.lists(st.integers(1, 50), max_size=40))
def test_a_stream_may_arrive_in_any_pieces(sizes: list[int]) -> None:
    stream = wire.request_frame(KEY, REQUEST) * 3
    reader, bodies = wire.FrameReader(), []
    for size in [*sizes, len(stream)]:
        bodies += reader.feed(stream[:size])
        stream = stream[size:]
    assert len(bodies) == 3
    for body in bodies:
        payload, mac = wire.open_frame(body)
        assert wire.mac_is_right(KEY, payload, mac)
        assert wire.read_request(payload) == REQUEST


def test_every_flipped_bit_is_seen() -> None:
    frame = wire.request_frame(KEY, REQUEST)[4:]
    for place in range(len(frame) * 8):
        bent = bytearray(frame)
        bent[place // 8] ^= 1 << place % 8
        try:
            payload, mac = wire.open_frame(bytes(bent))
        except wire.WireError:
            continue
        assert not wire.mac_is_right(KEY, payload, mac)


def test_answers_are_ok_or_an_error() -> None:
    def read(frame: bytes) -> wire.Response:
        return wire.read_response(wire.open_frame(frame[4:])[0])

    assert read(wire.ok_frame(KEY, 1, {"x": 1})) == wire.Response(1, {"x": 1}, None)
    assert read(wire.error_frame(KEY, 2, {"code": "gone"})).error == {"code": "gone"}
    with pytest.raises(wire.WireError):
        wire.read_response(b"\x81\xa2id\x01")


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x92\x01\x02", b"\x91\xc4\x00", b"\x90", b"\x93\xc0\xc0\xc0"])
def test_what_is_no_frame_is_refused(body: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.open_frame(body)


@given(st.binary(max_size=200))
def test_garbage_never_does_more_than_be_refused(data: bytes) -> None:
    for read in (wire.open_frame, wire.read_request, wire.read_response):
        try:
            read(data)
        except wire.WireError:
            continue


def test_a_length_that_is_too_long_is_refused_before_it_arrives() -> None:
    with pytest.raises(wire.WireError):
        list(wire.FrameReader().feed((wire.MAX_FRAME_BYTES + 1).to_bytes(4, "big")))
    with pytest.raises(wire.WireError):
        wire.ok_frame(KEY, 1, {"body": b"x" * wire.MAX_FRAME_BYTES})
