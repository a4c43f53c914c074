"""The table of certificates over real sockets: who gets in, who is refused, where, and what is on record of it."""

import asyncio
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.gateway.certificates import authority
from lockgate.gateway.certificates.core import build
from lockgate.gateway.certificates.core.build import Issuer
from lockgate.kernel import clock
from tests.gateway.certificates.house import DAY_S, Client, House, authority_of, client_of, pem_of, self_signed


async def reasons(house: House) -> list[str]:
    return [row["detail"]["reason"] for row in await house.audits("authentication.refused")]


async def test_a_certificate_of_ours_gets_in_on_both_doors_and_others_go_on_without(house: House) -> None:
    client = await house.issue()
    assert await house.outcome(client) == 200
    assert await house.outcome(client, door=house.certified) == 200
    assert await house.outcome(None) == 200, "nobody demands one here"
    assert await house.outcome(None, door=house.certified) == 401
    assert await reasons(house) == ["certificate_missing"]


async def test_strangers_do_not_get_through_the_handshake(house: House) -> None:
    ours = await authority.to_sign(house.ports.pool, house.ports.box)
    other = authority_of("Another authority")
    named_alike = Issuer(
        build.root(other.key, ours.issuer.certificate.subject, serial=3, lasts=build.period(clock.now(), DAY_S)),
        other.key,
    )
    strangers = {
        "another authority": client_of(other),
        "an authority with our issuer's name": client_of(named_alike),
        "self-signed with our issuer's name": self_signed(ours.issuer.certificate.subject),
        "self-signed with a client's name": self_signed((await house.issue()).leaf.subject),
        "expired": client_of(ours.issuer, begins=-20 * DAY_S, ends=-10),
        "not valid yet": client_of(ours.issuer, begins=DAY_S),
        "a server's": client_of(ours.issuer, purposes=(build.SERVER,)),
        "signed by the root itself": client_of(house.root),
    }
    got = {name: await house.outcome(client) for name, client in strangers.items()}
    assert got == dict.fromkeys(strangers, "handshake")


async def test_what_our_issuer_signed_but_nobody_kept_is_refused(house: House) -> None:
    """Say that the issuer's key was stolen: a certificate that is not in the books is worth nothing."""
    ours = await authority.to_sign(house.ports.pool, house.ports.box)
    assert await house.outcome(client_of(ours.issuer)) == 401
    assert await reasons(house) == ["certificate_foreign"]


async def test_a_certificate_is_one_merchants_and_may_be_one_keys(house: House) -> None:
    of_account = await house.issue()
    of_key = await house.issue(api_key=house.keys["a"].row.id)
    assert await house.outcome(of_account, key="a") == await house.outcome(of_account, key="a2") == 200
    assert await house.outcome(of_account, key="b") == 401
    assert await house.outcome(of_key, key="a") == 200
    assert await house.outcome(of_key, key="a2") == 401
    rows = await house.audits("authentication.refused")
    assert [(row["account"], row["detail"]["reason"]) for row in rows] == [
        (house.accounts["b"], "certificate_foreign"), (house.accounts["a"], "certificate_foreign"),
    ]  # fmt: skip


async def test_a_registered_certificate_is_believed_for_itself_within_a_second(house: House) -> None:
    first, second = (self_signed(build.name("client")) for _ in range(2))
    assert await house.outcome(first) == "handshake"
    for client in (first, second):  # of one name, as clients often are
        answer = await house.ask(
            "POST", "/v1/client_certificates/register", {"certificate": client.certificate}, key="admin"
        )
        assert answer.status == 200, answer.body
        assert answer.json["kind"] == "registered"
    await house.believed(second)
    assert [await house.outcome(client) for client in (first, second)] == [200, 200]
    assert await house.outcome(first, key="b") == 401
    assert await house.outcome(self_signed(build.name("client"))) == "handshake", "a third one of that name"


async def test_a_merchants_own_authority(house: House) -> None:
    corporate = authority_of("Shop A corporate")
    given = {
        "certificate": build.pem(corporate.certificate).decode(), "names[]": "pay.shop-a.example", "name": "corporate",
    }  # fmt: skip
    answer = await house.ask("POST", "/v1/client_certificates/register", given, key="admin")
    assert (answer.status, answer.json["kind"]) == (200, "authority")
    named = client_of(corporate, hosts=("pay.shop-a.example",))
    await house.believed(named)
    assert await house.outcome(named) == 200
    assert await house.outcome(client_of(corporate, hosts=("other.example",))) == 401, "of another name"
    assert await house.outcome(client_of(corporate)) == 401, "of no name"
    assert await house.outcome(named, key="b") == 401, "of another merchant"
    no_purpose = client_of(corporate, purposes=(build.SERVER,), hosts=("pay.shop-a.example",))
    assert await house.outcome(no_purpose) == "handshake"
    assert await house.outcome(_without_purpose(corporate)) == 401, "a client must say that it is one"
    ended = client_of(corporate, begins=-2 * DAY_S, ends=-5, hosts=("pay.shop-a.example",))
    assert await house.outcome(ended) == "handshake"
    path = f"/v1/client_certificates/{answer.json['id']}/revoke"
    assert (await house.ask("POST", path, key="admin")).status == 200
    async with asyncio.timeout(1.5):
        while await house.outcome(named) == 200:
            await asyncio.sleep(0.1)


async def test_who_may_do_less_than_a_secret_key_registers_only_for_one_key(house: House) -> None:
    """What no key binds can prove an app that is known by its certificate's name, whatever that app may do."""
    path, client = "/v1/client_certificates/register", self_signed(build.name("the payout app"))
    refused = await house.ask("POST", path, {"certificate": client.certificate}, key="clerk")
    assert (refused.status, refused.json["error"]["code"]) == (403, "permission_exceeded")
    assert await house.outcome(client) == "handshake"
    bound = {"certificate": client.certificate, "api_key": house.keys["a"].row.id}
    assert (await house.ask("POST", path, bound, key="clerk")).status == 200


def _without_purpose(by: Issuer) -> Client:
    key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
    begun = x509.CertificateBuilder().subject_name(build.name("bare")).issuer_name(by.certificate.subject)
    lasts = [build._moment(now + seconds) for seconds in (-300, DAY_S)]
    leaf = (
        begun.public_key(key.public_key()).serial_number(9).not_valid_before(lasts[0]).not_valid_after(lasts[1])
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("pay.shop-a.example")]), critical=False)
        .sign(by.key, hashes.SHA256())
    )  # fmt: skip
    return Client(build.pem(leaf).decode(), pem_of(key))


@pytest.mark.parametrize("what", ["our issuer's name", "another merchant's authority", "a stranger's self-signed"])
async def test_nobody_can_stand_in_anothers_way_by_a_name(house: House, what: str) -> None:
    """OpenSSL chooses among authorities by name: a second one of a name would break the first one's clients."""
    corporate = authority_of("Shop B corporate")
    await house.ask(
        "POST", "/v1/client_certificates/register", {"certificate": build.pem(corporate.certificate).decode()},
        key="admin_b",
    )  # fmt: skip
    ours = await authority.to_sign(house.ports.pool, house.ports.box)
    other = authority_of("x")
    lasts = build.period(clock.now(), DAY_S)
    pem = {
        "our issuer's name": build.pem(
            build.root(other.key, ours.issuer.certificate.subject, serial=3, lasts=lasts)
        ).decode(),
        "another merchant's authority": build.pem(
            build.root(other.key, corporate.certificate.subject, serial=3, lasts=lasts)
        ).decode(),
        "a stranger's self-signed": self_signed(corporate.certificate.subject).certificate,
    }[what]
    answer = await house.ask("POST", "/v1/client_certificates/register", {"certificate": pem}, key="admin")
    assert (answer.status, answer.error["code"]) == (400, "certificate_unfit")
    client = client_of(corporate)
    async with asyncio.timeout(2):
        while await house.outcome(client, key="b") != 200:
            await asyncio.sleep(0.1)


async def test_revocation_is_felt_within_a_second_on_open_and_new_connections(house: House) -> None:
    client = await house.issue()
    held, idle = await house.connect(client), await house.connect(client, door=house.certified)
    key = house.text("a")
    assert (await held.ask("GET", "/v1/things", key=key)).status == 200
    answer = await house.ask(
        "POST", f"/v1/client_certificates/{client.id}/revoke", {"reason": "key_compromise"}, key="admin"
    )
    assert (answer.status, answer.json["status"]) == (200, "revoked")
    begun = clock.monotonic()
    status = 200
    while status == 200:
        assert clock.monotonic() - begun < 1.0, "a revoked certificate went on"
        status = (await held.ask("GET", "/v1/things", key=key)).status
        await asyncio.sleep(0.02)
    assert status == 401
    assert (await idle.ask("GET", "/v1/things", key=key)).status == 401, "a connection that was silent meanwhile"
    assert await house.outcome(client) == 401
    assert (await reasons(house))[-1] == "certificate_revoked"
    [record] = await house.audits("certificate.revoke")
    assert record["object"] == client.id and record["detail"]["reason"] == "key_compromise"
    for connection in (held, idle):
        connection.close()


async def test_a_key_that_demands_a_certificate_is_refused_without_within_a_second(house: House) -> None:
    path, key = "/v1/certificate_requirements", house.keys["a"].row.id
    early = await house.ask("POST", path, {"required": "true", "api_key": key}, key="admin")
    assert early.status == 400, "nothing could satisfy it: everybody would be locked out"
    client = await house.issue()
    assert (await house.ask("POST", path, {"required": "true", "api_key": key}, key="admin")).status == 200
    await asyncio.sleep(1)
    assert await house.outcome(None, key="a") == 401
    assert await house.outcome(client, key="a") == 200
    assert await house.outcome(None, key="a2") == 200
    assert (await house.ask("POST", path, {"required": "true"}, key="admin")).status in (200, 401)
    await asyncio.sleep(1)
    assert await house.outcome(None, key="a2") == 401
    assert await house.outcome(None, key="b") == 200, "another account's affair"
    shown = await house.ask("GET", path, key="admin", client=client)
    assert {entry["api_key"] for entry in shown.json["data"]} == {None, key}
    for sent in ({"required": "false"}, {"required": "false", "api_key": key}):
        assert (await house.ask("POST", path, sent, key="admin", client=client)).status == 200
    await asyncio.sleep(1)
    assert await house.outcome(None, key="a") == 200


async def test_private_keys_of_the_authority_are_nowhere_in_the_database(house: House, database: Any) -> None:
    await house.issue()
    signing = await authority.to_sign(house.ports.pool, house.ports.box)
    secret = signing.issuer.key.private_numbers().private_value.to_bytes(32, "big")
    tables = await house.ports.pool.fetch(
        "select table_name from information_schema.tables where table_schema = 'gateway' and table_type = 'BASE TABLE'"
    )
    held = b""
    for (table,) in tables:
        if await house.ports.pool.fetchval("select has_table_privilege($1, 'select')", f"gateway.{table}"):
            rows = await house.ports.pool.fetch(f"select t.*::text from gateway.{table} t")
            held += json.dumps([str(tuple(row)) for row in rows]).encode()
    assert held and secret.hex().encode() not in held and b"PRIVATE KEY" not in held
