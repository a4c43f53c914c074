"""Passkeys: an answer counts for one challenge, purpose, person and origin, a verified user, and a rising count."""

import asyncio
import json

import pytest

from lockgate.gateway.factors import passkeys
from lockgate.gateway.factors.core.proof import NotProven
from lockgate.kernel.errors import Refusal
from lockgate.kernel.jws import base64url, from_base64url
from tests.gateway.factors.authenticator import PRESENT, VERIFIED, Authenticator
from tests.gateway.factors.desk import ANNA, BEN, NOW, URL, open_desk


async def sign_in(desk, device, **options):
    asked = await passkeys.begin(desk.ports, ANNA, now=NOW)
    return await passkeys.finish(desk.ports, ANNA, device.sign(asked, **options), now=NOW)


async def test_a_passkey_proves_its_owner(database):
    async with open_desk(database) as desk:
        device = await desk.passkey()
        proof = await sign_in(desk, device)
        assert (proof.kind, proof.user_verified) == ("passkey", True)
        assert desk.happened == ["passkey.add"]


async def test_it_signs_in_whoever_it_belongs_to(database):
    async with open_desk(database) as desk:
        device = await desk.passkey()
        asked = await passkeys.begin(desk.ports, None, ceremony="browser", now=NOW)
        assert asked["allowCredentials"] == []
        assert asked["userVerification"] == "required"
        person, proof = await passkeys.identify(desk.ports, device.sign(asked), ceremony="browser", now=NOW)
        assert (person, proof.user_verified) == (ANNA, True)
        other = await passkeys.begin(desk.ports, None, ceremony="browser", now=NOW)
        with pytest.raises(NotProven):  # a browser that did not ask cannot be signed in by another's answer
            await passkeys.identify(desk.ports, device.sign(other), ceremony="another", now=NOW)


async def test_what_it_is_asked_for(database):
    async with open_desk(database) as desk:
        await desk.passkey()
        made = await passkeys.begin_registration(desk.ports, ANNA, email="anna@shop.example", now=NOW)
        assert made["rp"] == {"name": "Lockgate", "id": "pay.example"}
        assert made["authenticatorSelection"]["residentKey"] == "required"
        assert made["authenticatorSelection"]["userVerification"] == "required"
        assert len(made["excludeCredentials"]) == 1
        assert from_base64url(made["user"]["id"]) == ANNA.encode()
        assert len(from_base64url(made["challenge"])) >= 32


async def test_a_challenge_is_good_once(database):
    async with open_desk(database) as desk:
        device = await desk.passkey()
        asked = await passkeys.begin(desk.ports, ANNA, now=NOW)
        answers = [device.sign(asked) for _ in range(20)]
        done = await asyncio.gather(
            *(passkeys.finish(desk.ports, ANNA, answer, now=NOW) for answer in answers), return_exceptions=True
        )
        assert sum(not isinstance(result, BaseException) for result in done) == 1


async def test_a_bad_answer_uses_the_challenge_up(database):
    async with open_desk(database) as desk:
        device = await desk.passkey()
        asked = await passkeys.begin(desk.ports, ANNA, now=NOW)
        with pytest.raises(NotProven):
            await passkeys.finish(desk.ports, ANNA, device.sign(asked, signature=base64url(b"x" * 70)), now=NOW)
        with pytest.raises(NotProven):
            await passkeys.finish(desk.ports, ANNA, device.sign(asked), now=NOW)


async def test_a_challenge_is_for_one_purpose_person_content_and_time(database):
    async with open_desk(database) as desk:
        device = await desk.passkey()
        ports = desk.ports

        async def refused(answer: str, *, person: str = ANNA, now: int = NOW, content: bytes = b"") -> bool:
            try:
                await passkeys.finish(ports, person, answer, now=now, content=content)
            except NotProven:
                return True
            return False

        asked = await passkeys.begin(ports, ANNA, now=NOW)
        assert await refused(device.sign(asked), person=BEN)
        asked = await passkeys.begin(ports, ANNA, now=NOW)
        assert await refused(device.sign(asked), now=NOW + 301)
        asked = await passkeys.begin(ports, ANNA, now=NOW)
        assert await refused(device.sign(asked), content=b"pay 100")
        asked = await passkeys.begin(ports, ANNA, now=NOW, content=b"pay 100")
        assert await refused(device.sign(asked), content=b"pay 900")
        asked = await passkeys.begin_registration(ports, ANNA, email="a@b.example", now=NOW)
        assert await refused(device.sign(asked))
        assert await refused(device.sign({"challenge": base64url(b"x" * 32)}))
        asked = await passkeys.begin(ports, ANNA, now=NOW, content=b"pay 100")
        assert not await refused(device.sign(asked), content=b"pay 100")


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://pay.example"},
        {"origin": "https://evil.example:8443"},
        {"origin": "http://pay.example:8443"},
        {"rp_id": "evil.example"},
        {"rp_id": "example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": PRESENT | VERIFIED | 0x08},
        {"crossed": True},
        {"credential": b"another" * 4},
    ],
)
async def test_a_wrong_answer_is_refused(database, change):
    async with open_desk(database) as desk:
        device = await desk.passkey()
        for name, value in change.items():
            setattr(device, name, value)
        with pytest.raises(NotProven):
            await sign_in(desk, device)


@pytest.mark.parametrize(
    "change",
    [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"flags": PRESENT}, {"crossed": True}],
)
async def test_a_wrong_registration_is_refused(database, change):
    async with open_desk(database) as desk:
        device = Authenticator(**{"origin": URL, "rp_id": "pay.example", **change})
        options = await passkeys.begin_registration(desk.ports, ANNA, email="a@b.example", now=NOW)
        with pytest.raises(NotProven):
            await passkeys.finish_registration(desk.ports, ANNA, device.register(options), name="Key", now=NOW)


async def test_another_device_cannot_speak_for_it(database):
    async with open_desk(database) as desk:
        device = await desk.passkey()
        thief = Authenticator(URL, "pay.example", credential=device.credential, handle=device.handle, count=9)
        with pytest.raises(NotProven):
            await sign_in(desk, thief)
        await sign_in(desk, device)


async def test_a_count_that_falls_tells_of_a_copy(database):
    async with open_desk(database) as desk:
        device = await desk.passkey()
        device.count = 10
        await sign_in(desk, device)
        for count in (9, 10, -1 + 1):
            device.count = count - 1 if count else -1
            with pytest.raises(NotProven) as refused:
                await sign_in(desk, device)
            assert refused.value.why == "cloned"
        assert desk.happened.count("passkey.cloned") == 3
        device.count = 11
        await sign_in(desk, device)


async def test_devices_that_do_not_count_are_fine(database):
    async with open_desk(database) as desk:
        device = await desk.passkey()
        for _ in range(3):
            device.count = -1
            await sign_in(desk, device)


async def test_a_passkey_is_registered_once(database):
    async with open_desk(database) as desk:
        device = await desk.passkey()
        options = await passkeys.begin_registration(desk.ports, BEN, email="b@b.example", now=NOW)
        with pytest.raises(Refusal):
            await passkeys.finish_registration(desk.ports, BEN, device.register(options), name="Key", now=NOW)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", "{" * 30_000, json.dumps({"rawId": "!", "response": {"clientDataJSON": "e30"}}),
     json.dumps({"id": 1, "rawId": 1, "type": 1, "response": 1}), "x" * 30_000],
)  # fmt: skip
async def test_what_is_no_answer_is_refused(database, text):
    async with open_desk(database) as desk:
        with pytest.raises(NotProven):
            await passkeys.finish(desk.ports, ANNA, text, now=NOW)
