"""Bodies: each bounded, and all large ones together; small ones never wait for large ones."""

import asyncio

import pytest

from lockgate.gateway.web.bodies import MAX_BODY_BYTES, SMALL_BYTES, Bodies
from lockgate.kernel.errors import Kind, Refusal


def sender(*parts, ends="whole"):
    """What a server hands over: parts of a body, then its end, a client that left, or nothing more."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if ends == "whole":
        messages[-1]["more_body"] = False
    elif ends == "left":
        messages.append({"type": "http.disconnect"})

    async def receive():
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()

    return receive


async def test_a_body_in_parts_is_whole():
    assert await Bodies().read(sender(b"a", b"b", b"")) == (b"ab", 0)
    assert await Bodies().read(sender(b"")) == (b"", 0)
    assert await Bodies().read(sender(b"a", ends="left")) == (None, 0)


async def test_a_body_too_large_is_refused_before_it_is_whole():
    with pytest.raises(Refusal) as refused:
        await Bodies().read(sender(b"x" * MAX_BODY_BYTES, b"x", ends="never"))
    assert refused.value.kind is Kind.TOO_LARGE


async def test_slow_senders_of_large_bodies_keep_out_each_other_and_nobody_else():
    bodies = Bodies(most=3 * SMALL_BYTES)
    slow = [asyncio.create_task(bodies.read(sender(b"x" * SMALL_BYTES * 2, ends="never"))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as refused:
        await bodies.read(sender(b"x" * SMALL_BYTES * 2))
    assert (refused.value.kind, refused.value.retry_after_s) == (Kind.UNAVAILABLE, 1)
    assert await bodies.read(sender(b"x" * SMALL_BYTES)) == (b"x" * SMALL_BYTES, 0)
    slow[0].cancel()
    await asyncio.wait({slow[0]})
    body, held = await bodies.read(sender(b"x" * SMALL_BYTES, b"x" * SMALL_BYTES))
    assert (len(body), held) == (2 * SMALL_BYTES, SMALL_BYTES)
    with pytest.raises(Refusal):
        await bodies.read(sender(b"x" * SMALL_BYTES * 2))
    bodies.release(held)
    assert (await bodies.read(sender(b"x" * SMALL_BYTES * 2)))[1] == SMALL_BYTES
    for task in slow:
        task.cancel()
    await asyncio.wait(slow)


@pytest.mark.parametrize("ends", ["left", "whole"])
async def test_room_is_given_back_whatever_happens(ends):
    bodies = Bodies(most=SMALL_BYTES)
    for _ in range(5):
        body, held = await bodies.read(sender(b"x" * SMALL_BYTES * 2, ends=ends))
        assert (body is None) == (ends == "left")
        bodies.release(held)
    for _ in range(5):
        with pytest.raises(Refusal):
            await bodies.read(sender(b"x" * SMALL_BYTES * 2, b"x" * MAX_BODY_BYTES))
    assert (await bodies.read(sender(b"x" * SMALL_BYTES * 2)))[1] == SMALL_BYTES
