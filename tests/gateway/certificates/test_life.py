"""A client certificate's life: asked for, issued with our names, renewed by itself, ended, listed, warned of."""

import asyncio
import ssl
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lockgate.cli.certs_renew import new_request
from lockgate.gateway.certificates import find, inventory, lists
from lockgate.gateway.certificates.core import build
from lockgate.gateway.certificates.core.words import warning_due
from lockgate.gateway.certificates.find import ServerRow
from lockgate.gateway.certificates.warn import warn
from lockgate.kernel import clock
from tests.gateway.certificates.house import DAY_S, House, of, self_signed

PATH = "/v1/client_certificates"


def csr_of(key: Any, *, subject: str = "anything", extension: bool = False) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    built = x509.CertificateSigningRequestBuilder().subject_name(name)
    if extension:
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=9), critical=True)
        built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("bank.example")]), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return built.sign(key, algorithm).public_bytes(serialization.Encoding.PEM).decode()


async def test_a_certificate_says_what_we_say_and_nothing_of_the_request(house: House) -> None:
    csr = csr_of(ec.generate_private_key(ec.SECP384R1()), subject="acct_somebody_else", extension=True)
    answer = await house.ask("POST", PATH, {"csr": csr, "name": "till 1"}, key="admin")
    assert answer.status == 200, answer.body
    leaf = x509.load_pem_x509_certificate(answer.json["certificate"].encode())
    issuer = x509.load_pem_x509_certificate(answer.json["chain"].encode())
    leaf.verify_directly_issued_by(issuer)
    issuer.verify_directly_issued_by(house.root.certificate)
    organisation, unit, common = (attribute.value for attribute in leaf.subject)
    assert (organisation, unit, common) == (house.accounts["a"], "test", answer.json["id"])
    constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical and not constraints.value.ca
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == [f"urn:lockgate:{house.accounts['a']}:test:{answer.json['id']}"]
    lives = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert lives.days == 30 and answer.json["not_after"] == int(leaf.not_valid_after_utc.timestamp())
    [record] = await house.audits("certificate.create")
    assert record["object"] == answer.json["id"] and record["actor"].startswith("restricted:")


@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519", "rsa2048", "rsa3072"])
async def test_good_keys(house: House, kind: str) -> None:
    key: Any = {
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
        "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
    }[kind]()
    answer = await house.ask("POST", PATH, {"csr": csr_of(key)}, key="admin")
    assert answer.status == 200, answer.body


def _tampered(csr: str) -> str:
    der = bytearray(x509.load_pem_x509_csr(csr.encode()).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    body = ssl.DER_cert_to_PEM_cert(bytes(der))
    return body.replace("CERTIFICATE", "CERTIFICATE REQUEST")


BAD = {
    "not PEM": lambda: "hello",
    "a certificate": lambda: self_signed(build.name("x")).certificate,
    "a private key": lambda: self_signed(build.name("x")).key,
    "two": lambda: 2 * csr_of(ec.generate_private_key(ec.SECP256R1())),
    "not proven": lambda: _tampered(csr_of(ec.generate_private_key(ec.SECP256R1()))),
    "P-521": lambda: csr_of(ec.generate_private_key(ec.SECP521R1())),
    "secp256k1": lambda: csr_of(ec.generate_private_key(ec.SECP256K1())),
    "RSA 1024": lambda: csr_of(rsa.generate_private_key(65537, 1024)),
    "DSA": lambda: csr_of(dsa.generate_private_key(2048)),
    "garbage": lambda: "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
}


@pytest.mark.parametrize("what", BAD)
async def test_bad_requests_are_refused_by_name(house: House, what: str) -> None:
    answer = await house.ask("POST", PATH, {"csr": BAD[what]()}, key="admin")
    assert (answer.status, answer.error["param"]) == (400, "csr"), answer.body
    assert await find.every_certificate(house.ports.pool) == []


async def test_what_a_request_may_not_ask_for(house: House) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    for days in (0, 91):
        answer = await house.ask("POST", PATH, {"csr": new_request(key), "days": days}, key="admin")
        assert (answer.status, answer.error["param"]) == (400, "days")
    other = house.keys["b"].row.id
    answer = await house.ask("POST", PATH, {"csr": new_request(key), "api_key": other}, key="admin")
    assert (answer.status, answer.error["param"]) == (400, "api_key"), "another merchant's key"
    assert (await house.ask("POST", PATH, {"csr": new_request(key)}, key="a")).status == 403, "a secret key may not"
    assert (await house.ask("POST", PATH, {"csr": new_request(key)}, key="admin")).status == 200
    again = await house.ask("POST", PATH, {"csr": new_request(key)}, key="admin")
    assert (again.status, again.error["param"]) == (400, "csr"), "one key, one certificate"


async def test_certificates_of_others_are_not_to_be_seen(house: House) -> None:
    client = await house.issue()
    for method, path in (("GET", f"{PATH}/{client.id}"), ("POST", f"{PATH}/{client.id}/revoke")):
        assert (await house.ask(method, path, key="admin_b")).status == 404
    assert (await house.ask("GET", PATH, key="admin_b")).json["data"] == []
    listed = (await house.ask("GET", f"{PATH}?status=active", key="admin")).json["data"]
    assert [entry["id"] for entry in listed] == [client.id]
    assert (await house.ask("GET", f"{PATH}?status=revoked", key="admin")).json["data"] == []


async def test_a_certificate_renews_itself_and_both_stay_good(house: House) -> None:
    old = await house.issue(api_key=house.keys["a"].row.id, name="till")
    key = ec.generate_private_key(ec.SECP256R1())
    answer = await house.ask("POST", f"{PATH}/{old.id}/renew", {"csr": new_request(key)}, client=old, key=None)
    assert answer.status == 200, answer.body
    new = of(answer.json, key)
    assert (answer.json["replaces"], answer.json["name"]) == (old.id, "till")
    assert answer.json["api_key"] == house.keys["a"].row.id, "bound as before"
    assert [await house.outcome(client) for client in (old, new)] == [200, 200]
    assert await house.outcome(new, key="a2") == 401
    [record] = await house.audits("certificate.renew")
    assert record["detail"]["replaces"] == old.id
    same = await house.ask("POST", f"{PATH}/{old.id}/renew", {"csr": new_request(key)}, client=old, key=None)
    assert (same.status, same.error["param"]) == (400, "csr"), "a key is not used twice"


async def test_only_a_certificate_itself_renews_it(house: House) -> None:
    mine, other = await house.issue(), await house.issue()
    path, sent = f"{PATH}/{mine.id}/renew", {"csr": new_request(ec.generate_private_key(ec.SECP256R1()))}
    assert (await house.ask("POST", path, sent, client=other, key=None)).status == 401
    assert (await house.ask("POST", path, sent, client=None, key="admin")).status == 401
    await house.ask("POST", f"{PATH}/{mine.id}/revoke", key="admin")
    await asyncio.sleep(1)
    assert (await house.ask("POST", path, sent, client=mine, key=None)).status == 401
    refused = await house.audits("certificate.renew")
    assert [row["outcome"] for row in refused] == ["refused"] * 3


async def test_a_thief_cannot_renew_without_end(house: House) -> None:
    client = await house.issue()
    statuses = []
    for _ in range(4):
        sent = {"csr": new_request(ec.generate_private_key(ec.SECP256R1()))}
        statuses.append((await house.ask("POST", f"{PATH}/{client.id}/renew", sent, client=client, key=None)).status)
    assert statuses == [200, 200, 200, 403]


async def test_rotation_under_load_fails_no_request(house: House) -> None:
    """Ten thousand requests while the client changes certificates and the server changes its own."""
    clients, failed, done = [await house.issue()], [], 0
    key = house.text("a")
    wanted = 10_000

    async def worker() -> None:
        nonlocal done
        while done < wanted:
            connection = await house.connect(clients[-1])
            try:
                for _ in range(100):
                    answer = await connection.ask("GET", "/v1/things", key=key)
                    done += 1
                    if answer.status != 200:
                        failed.append(answer.body)
                    if done >= wanted:
                        break
            except (OSError, asyncio.IncompleteReadError) as fault:
                failed.append(repr(fault).encode())
            finally:
                connection.close()

    async def rotate() -> int:
        turns = 0
        while done < wanted:
            await asyncio.sleep(0.5)
            fresh = ec.generate_private_key(ec.SECP256R1())
            path, old = f"{PATH}/{clients[-1].id}/renew", clients[-1]
            answer = await house.ask("POST", path, {"csr": new_request(fresh)}, client=old, key=None)
            assert answer.status == 200, answer.body
            clients.append(of(answer.json, fresh))
            leaf = house.server.issue_cert("localhost", "127.0.0.1")
            leaf.private_key_pem.write_to_path(str(house.directory / "api.key"))
            leaf.cert_chain_pems[0].write_to_path(str(house.directory / "api.pem"))
            house.doors.renew()
            turns += 1
        return turns

    rotating = asyncio.create_task(rotate())
    await asyncio.gather(*(worker() for _ in range(12)))
    turns = await rotating
    assert failed == []
    assert turns >= 3, "nothing was rotated meanwhile"


async def test_the_revocation_list(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    keep, gone = await house.issue(), await house.issue()
    await house.ask("POST", f"{PATH}/{gone.id}/revoke", {"reason": "key_compromise"}, key="admin")
    assert await lists.renew(house.ports) == 1
    assert await lists.renew(house.ports) == 0, "it is fresh"
    answer = await house.ask("GET", "/crl/clients.crl", key=None)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pkix-crl")
    crl = x509.load_der_x509_crl(answer.body)
    issuer = x509.load_pem_x509_certificates(keep.certificate.encode())[1]
    assert crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type] - ours are P-256
    [line] = list(crl)
    assert line.serial_number == gone.leaf.serial_number
    assert line.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise
    assert crl.next_update_utc is not None
    assert 0 < crl.next_update_utc.timestamp() - clock.now() <= DAY_S
    point = keep.leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0]
    path = point.full_name[0].value.removeprefix("https://127.0.0.1")
    assert (await house.ask("GET", path, key=None)).body == answer.body
    assert (await house.ask("GET", "/crl/nothing.crl", key=None)).status == 404
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 13 * 3600)
    assert await lists.renew(house.ports) == 1, "renewed long before it ends"
    number = x509.load_der_x509_crl(await find.revocation_list(house.ports.pool, None) or b"")
    assert number.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 2


async def test_an_end_ahead_is_told_once_at_30_14_and_7_days(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, now = await house.issue(days=40), clock.now()
    ends = now + 40 * DAY_S
    server = ServerRow("listener-api", "server", "certificate", "f", "s", "i", "1", "P-256", b"t" * 32, now, ends, now)
    await inventory.keep(house.ports.pool, [server])
    told: list[tuple[str, int]] = []
    for day in range(42):
        monkeypatch.setattr(clock, "now", lambda day=day: now + day * DAY_S)
        await warn(house.ports.pool)
        await warn(house.ports.pool)
    for row in await house.audits("certificate.expiring"):
        told.append((row["object"], row["detail"]["within_days"]))
    assert sorted(told) == sorted((name, days) for name in (client.id, "listener-api") for days in (7, 14, 30))
    renewed = server._replace(not_after=now + 60 * DAY_S)
    await inventory.keep(house.ports.pool, [renewed])
    await warn(house.ports.pool)
    assert (await house.audits("certificate.expiring"))[-1]["detail"]["within_days"] == 30, "warned of anew"


async def test_what_ends_soon_is_there_for_metrics(house: House) -> None:
    client, now = await house.issue(days=20), clock.now()
    ends = now + DAY_S
    print_ = b"t" * 32
    service = ServerRow("service-vault", "service", "certificate", "f", "s", "i", "1", "P-256", print_, now, ends, now)
    await inventory.keep(house.ports.pool, [service, service._replace(name="listener-api", purpose="server")])
    found = await find.expiring(house.ports.pool, now)
    assert [(end.name, end.purpose) for end in found] == [("listener-api", "server"), (client.id, "client issued")]


@pytest.mark.parametrize(
    ("left", "told", "due"),
    [(31, None, None), (30, None, 30), (29, 30, None), (13, 30, 14), (13, None, 14), (6.9, 14, 7), (1, 7, None)],
)
def test_when_a_warning_is_due(left: float, told: int | None, due: int | None) -> None:
    assert warning_due(left, told) == due
