"""The certificates room behind real doors: two merchants, an issuer, and clients that show what they like."""

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote_plus

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.cli.certs_renew import new_request
from lockgate.gateway.certificates import api, authority, lists, renew
from lockgate.gateway.certificates.check import ClientCertificates
from lockgate.gateway.certificates.core import build
from lockgate.gateway.certificates.core.build import Issuer
from lockgate.gateway.certificates.ports import Ports as CertificatesPorts
from lockgate.gateway.certificates.trust import Trust
from lockgate.gateway.identity import create
from lockgate.gateway.identity.accounts import create_account
from lockgate.gateway.identity.authenticate import Authenticator
from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.identity.core.permissions import MERCHANT
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import connect_pool
from lockgate.gateway.web.app import App
from lockgate.gateway.web.certified import CertifiedOnly
from lockgate.gateway.web.doors import Door, Doors
from lockgate.gateway.web.ports import Ports
from lockgate.gateway.web.tls import Handshakes, Leaf
from lockgate.kernel import clock
from lockgate.kernel.principal import Access, Principal
from tests.gateway.web.door import PEPPER, Answer, MemoryBox, Shop, Unasked, parse

DAY_S = 86_400
FAST = (5000, 5000)


@dataclass(frozen=True)
class Client:
    """What one client shows in the handshake."""

    certificate: str = field(repr=False)
    key: str = field(repr=False)
    id: str = ""

    @property
    def leaf(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.encode())


@dataclass
class House:
    """The running room. ``keys``: A's and B's API keys; ``admin`` may do all of A's business and manage its
    certificates, ``clerk`` the latter alone."""

    doors: Doors
    door: Door
    certified: Door
    server: trustme.CA
    ports: CertificatesPorts
    root: Issuer
    directory: Path
    accounts: dict[str, str] = field(default_factory=dict)
    keys: dict[str, create.Made] = field(default_factory=dict)

    def context(self, client: Client | None = None) -> ssl.SSLContext:
        made = ssl.create_default_context()
        self.server.configure_trust(made)
        if client is not None:
            file = self.directory / f"client-{id(client)}.pem"
            file.write_text(client.certificate + client.key)
            made.load_cert_chain(file)
        return made

    async def connect(self, client: Client | None = None, *, door: Door | None = None) -> "Connection":
        streams = await asyncio.open_connection(
            "127.0.0.1", (door or self.door).port, ssl=self.context(client), server_hostname="localhost"
        )
        return Connection(*streams)

    async def ask(
        self, method: str, path: str, params: dict[str, Any] | None = None,
        *, client: Client | None = None, key: str | None = "a", door: Door | None = None,
    ) -> Answer:  # fmt: skip
        """One request on a connection of its own."""
        connection = await self.connect(client, door=door)
        try:
            return await connection.ask(method, path, params, key=self.text(key))
        finally:
            connection.close()

    async def outcome(self, client: Client | None, *, key: str = "a", door: Door | None = None) -> int | str:
        """The status of an ordinary request, or ``handshake`` when it was refused before."""
        try:
            return (await self.ask("GET", "/v1/things", client=client, key=key, door=door)).status
        except (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
            return "handshake"

    def text(self, key: str | None) -> str | None:
        return None if key is None else self.keys[key].text

    async def issue(self, **params: Any) -> Client:
        """A client certificate for A, through the API."""
        key = ec.generate_private_key(ec.SECP256R1())
        sent = {"csr": new_request(key), **params}
        answer = await self.ask("POST", "/v1/client_certificates", sent, key="admin")
        assert answer.status == 200, answer.body
        return of(answer.json, key)

    async def audits(self, action: str) -> list[dict[str, Any]]:
        rows = await self.ports.pool.fetch(
            "select account, outcome, actor, object, detail from audit where action = $1 order by id", action
        )
        return [{**dict(row), "detail": json.loads(row["detail"])} for row in rows]

    async def believed(self, client: Client) -> None:
        """Wait until handshakes know what was registered just now: a second, or longer on a busy machine."""
        async with asyncio.timeout(10):
            while await self.outcome(client) == "handshake":
                await asyncio.sleep(0.05)


@dataclass
class Connection:
    """One connection that is kept open."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(
        self, method: str, path: str, params: dict[str, Any] | None = None, *, key: str | None = None
    ) -> Answer:
        body = "&".join(f"{name}={quote_plus(str(value))}" for name, value in (params or {}).items()).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        if key is not None:
            lines.append(f"Authorization: Bearer {key}")
        if method == "POST":
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (body if method == "POST" else b""))
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)
        length = next(int(li.split(b":")[1]) for li in head.split(b"\r\n") if li.lower().startswith(b"content-length"))
        return parse(head + await self.reader.readexactly(length))

    def close(self) -> None:
        self.writer.close()


def of(shown: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> Client:
    """The client that holds an issued certificate."""
    return Client(shown["certificate"] + (shown["chain"] or ""), pem_of(key), shown["id"])


def pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def authority_of(name: str, *, key: ec.EllipticCurvePrivateKey | None = None) -> Issuer:
    """A foreign authority."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    lasts = build.period(clock.now(), 400 * DAY_S)
    return Issuer(build.root(key, build.name(name), serial=x509.random_serial_number(), lasts=lasts), key)


def client_of(
    by: Issuer, *, name: str = "client", purposes: Any = (build.CLIENT,), begins: int = 0, ends: int = 10 * DAY_S,
    hosts: tuple[str, ...] = (),
) -> Client:  # fmt: skip
    """A client certificate that ``by`` signed; times are seconds from now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
    leaf = build.leaf(
        by, key.public_key(), build.name(name), serial=x509.random_serial_number(),
        lasts=build.Period(now + begins - 300, now + ends), purposes=purposes, names=build.general_names(hosts),
    )  # fmt: skip
    return Client(build.pem(leaf).decode(), pem_of(key))


def self_signed(name: x509.Name, *, purposes: Any = (build.CLIENT,)) -> Client:
    key = ec.generate_private_key(ec.SECP256R1())
    by = Issuer(build.root(key, name, serial=7, lasts=build.period(clock.now(), DAY_S)), key)
    leaf = build.leaf(
        by, key.public_key(), name, serial=x509.random_serial_number(), lasts=build.period(clock.now(), DAY_S),
        purposes=purposes,
    )  # fmt: skip
    return Client(build.pem(leaf).decode(), pem_of(key))


async def open_house(database: Any, directory: Path) -> House:
    server = trustme.CA()
    leaf = server.issue_cert("localhost", "127.0.0.1")
    leaf.private_key_pem.write_to_path(str(directory / "api.key"))
    leaf.cert_chain_pems[0].write_to_path(str(directory / "api.pem"))
    pool = await connect_pool(
        database=database.settings, user="lockgate_gateway", password=database.passwords["gateway"], size=8
    )
    box, witness, known, committer = MemoryBox(), Witness(pool), ClientCertificates(pool), Committer(pool)
    ports = CertificatesPorts(pool, box, witness, "https://127.0.0.1")
    shop, unasked = Shop(committer), cast(Any, Unasked())

    async def settle(*_: Any) -> Any:
        raise AssertionError("no payment is under way here")

    web = Ports(
        pool=pool, authenticator=Authenticator(pool, pepper=PEPPER), witness=witness,
        client_secrets=ClientSecrets(b"c" * 32), box=box, settle=settle, client_certificates=known,
        approvals=unasked, addresses=unasked, public_url="https://127.0.0.1",
    )  # fmt: skip
    loaders: Any = {"owner": shop.load_owners, "thing": shop.load_things}
    opened = [*renew.hooks(ports, known), *lists.pages(ports)]
    app = App([*shop.operations(), *api.operations(ports)], loaders, opened, web)
    handshakes = Handshakes(Leaf(directory / "api.pem", directory / "api.key"))
    door = Door("api", "127.0.0.1", 0, handshakes, app)
    certified = Door("mtls", "127.0.0.1", 0, Handshakes(handshakes.leaf), CertifiedOnly(app, witness))
    root = authority_of("Lockgate root")
    await authority.install(pool, box, root, by=Principal("-", True, "internal", "test"))
    doors = Doors([door, certified], changed=Trust(pool).changed)
    await doors.open()
    house = House(doors, door, certified, server, ports, root, directory)
    for name in ("a", "b"):
        async with pool.acquire() as connection, connection.transaction():
            account = await create_account(connection, by="test", name=name, country="DE", currency="eur")
        house.accounts[name] = account.id
        who = Principal(account.id, False, "internal", "test")
        house.keys[name] = await create.create(pool, who, pepper=PEPPER, kind="secret", rate=FAST)
    who = Principal(house.accounts["a"], False, "internal", "test")
    house.keys["a2"] = await create.create(pool, who, pepper=PEPPER, kind="secret", rate=FAST)
    everything: dict[str, Access] = {**dict.fromkeys(MERCHANT, "write"), "certificates": "write"}
    for name, account, granted in (
        ("admin", "a", everything), ("admin_b", "b", everything), ("clerk", "a", {"certificates": "write"}),
    ):  # fmt: skip
        who = Principal(house.accounts[account], False, "internal", "test")
        house.keys[name] = await create.create(
            pool, who, pepper=PEPPER, kind="restricted", rate=FAST, permissions=granted
        )
    house.closing = (committer, web)  # type: ignore[attr-defined] - for close_house
    return house


async def close_house(house: House) -> None:
    committer, web = house.closing  # type: ignore[attr-defined] - set above
    await house.doors.close()
    await web.witness.close()
    await web.authenticator.close()
    await committer.close()
    await house.ports.pool.close()
