"""Mail reaches a real server over verified TLS, waits sealed, is tried again, and cannot be bent by what is in it."""

import asyncio
import email
import ssl
import stat
from contextlib import asynccontextmanager
from email.policy import default
from itertools import pairwise
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.mail import send, store
from lockgate.gateway.mail.core import retry
from lockgate.gateway.mail.core.address import is_address
from lockgate.gateway.mail.core.message import letter, written
from lockgate.gateway.mail.dispatch import LEASE_MS, dispatch
from lockgate.gateway.mail.outbox import NoRoute, OutboxRoute
from lockgate.gateway.mail.ports import Ports
from lockgate.gateway.mail.routes import Outcome, Smtp, chosen
from lockgate.gateway.mail.smtp import SmtpRoute
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError
from tests.gateway.customers.desk import MemoryBox, pool_as
from tests.support.mailbox import letters

SECRET = "https://pay.example/#one-time-secret"


class Inbox:
    """What a mail server took, and how it answers."""

    def __init__(self, answer="250 OK"):
        self.answer = answer
        self.got = []
        self.logins = []

    async def handle_DATA(self, server, session, envelope):
        self.got.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return self.answer

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"s3cret", handled=False)


@asynccontextmanager
async def serving(inbox, *, tls=None, context=None):
    options = {"hostname": "127.0.0.1", "port": 0}
    if tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if tls == "implicit":
        options |= {"ssl_context": context}
    options |= {"authenticator": inbox.authenticate, "auth_require_tls": False}
    loop = asyncio.get_running_loop()
    server_options = {k: v for k, v in options.items() if k not in ("hostname", "port", "ssl_context")}
    server = await loop.create_server(
        lambda: SMTP(inbox, **server_options), "127.0.0.1", 0, ssl=context if tls == "implicit" else None
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
def authority(tmp_path):
    ca = trustme.CA()
    file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(context)
    other = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("mail.example").configure_cert(other)
    return file, context, other


@pytest.fixture
async def pools(database):
    async with pool_as(database, "gateway") as gateway, pool_as(database, "worker") as worker:
        yield gateway, worker, MemoryBox()


async def queued(pools, **changes):
    gateway, _, box = pools
    given = {"to": "asha@shop.example", "subject": "Sign in", "text": f"Open {SECRET}\n", "kind": "invitation"}
    async with gateway.acquire() as connection, connection.transaction():
        return await send.queue(connection, box, **(given | changes), now=changes.pop("now", clock.now()))


def ports(pools, route):
    return Ports(pools[1], pools[2], route, "gate@pay.example")


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_mail_goes_out_over_verified_tls_with_a_login(pools, authority, tmp_path, tls):
    cafile, context, _ = authority
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    password.chmod(0o600)
    inbox = Inbox()
    async with serving(inbox, tls=tls, context=context) as port:
        route = SmtpRoute(Smtp("localhost", port, tls, "gate", password, cafile))
        id_ = await queued(pools)
        assert await dispatch(ports(pools, route)) == 1
        assert await dispatch(ports(pools, route)) == 0
    [(sender, to, content)] = inbox.got
    assert (sender, to) == ("gate@pay.example", ["asha@shop.example"])
    message = email.message_from_bytes(content, policy=default)
    assert message["Subject"] == "Sign in" and SECRET in message.get_content()
    assert message["Message-ID"] == f"<{id_}@pay.example>" and message["Auto-Submitted"] == "auto-generated"
    assert inbox.logins == [(b"gate", b"s3cret")]
    row = await pools[1].fetchrow("select state, sealed, next_try_ms from mail")
    assert (row["state"], row["sealed"], row["next_try_ms"]) == ("sent", None, None)


async def test_nothing_goes_out_to_a_server_that_cannot_prove_its_name_or_offers_no_tls(pools, authority, tmp_path):
    cafile, _, other = authority
    inbox = Inbox()
    await queued(pools)
    async with serving(inbox, tls="starttls", context=other) as port:
        sent = await SmtpRoute(Smtp("localhost", port, "starttls", cafile=cafile)).send(
            b"x", id_="m", sender="a@b", to="c@d"
        )
        assert sent == Outcome("later", "certificate_refused")
        sent = await SmtpRoute(Smtp("localhost", port, "starttls")).send(b"x", id_="m", sender="a@b", to="c@d")
        assert sent == Outcome("later", "certificate_refused")
    async with serving(inbox) as port:
        sent = await SmtpRoute(Smtp("localhost", port, "starttls")).send(b"x", id_="m", sender="a@b", to="c@d")
        assert sent == Outcome("later", "not_supported")
    assert inbox.got == [] and inbox.logins == []


async def test_a_wrong_or_open_password_is_tried_later_and_a_refused_mail_never(pools, authority, tmp_path):
    cafile, context, _ = authority
    password = tmp_path / "password"
    password.write_text("wrong")
    password.chmod(0o600)
    inbox = Inbox("550 no such person")
    async with serving(inbox, tls="implicit", context=context) as port:
        route = SmtpRoute(Smtp("localhost", port, "implicit", "gate", password, cafile))
        assert (await route.send(b"x", id_="m", sender="a@b.c", to="c@d.e")).why == "login_refused"
        password.chmod(0o644)
        assert (await route.send(b"x", id_="m", sender="a@b.c", to="c@d.e")).why == "password_unreadable"
        plain = SmtpRoute(Smtp("localhost", port, "implicit", cafile=cafile))
        assert await plain.send(b"x", id_="m", sender="a@b.c", to="c@d.e") == Outcome("never", "mail_refused")
        inbox.answer = "451 later"
        assert await plain.send(b"x", id_="m", sender="a@b.c", to="c@d.e") == Outcome("later", "mail_refused")
    assert (await plain.send(b"x", id_="m", sender="a@b.c", to="c@d.e")).why == "connection_failed"


async def test_an_outbox_file_belongs_to_its_owner_alone(pools, tmp_path):
    await queued(pools)
    await dispatch(ports(pools, OutboxRoute(tmp_path)))
    [file] = tmp_path.iterdir()
    assert file.suffix == ".eml" and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SECRET in email.message_from_bytes(file.read_bytes(), policy=default).get_content()


async def test_mail_waits_sealed_and_a_row_moved_to_another_id_is_not_opened(pools):
    id_ = await queued(pools)
    row = await pools[1].fetchrow("select id, sealed from mail")
    assert b"asha" not in row["sealed"] and b"one-time" not in row["sealed"]
    assert [one.to for one in await letters(pools[1], pools[2])] == ["asha@shop.example"]
    await pools[1].execute("update mail set id = 'mail_other' where id = $1", id_)
    await dispatch(ports(pools, NoRoute()))
    assert await pools[1].fetchval("select outcome from mail") == "altered"
    assert await pools[1].fetchval("select state from mail") == "failed"


async def test_mail_is_tried_again_with_backoff_and_given_up_with_an_audit_record(pools):
    start = clock.now_ms()
    await queued(pools)
    now, tries = start, []
    while await pools[1].fetchval("select state from mail") == "waiting":
        tries.append(now)
        assert await dispatch(ports(pools, NoRoute()), now_ms=lambda at=now: at) == 1
        due = await pools[1].fetchval("select next_try_ms from mail")
        if due is None:
            break
        assert await dispatch(ports(pools, NoRoute()), now_ms=lambda at=due - 1: at) == 0
        now = due
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits[:5] == [30_000, 90_000, 270_000, 810_000, 2_430_000] and max(waits) == retry.LONGEST_WAIT_MS
    assert tries[-1] // 1000 * 1000 == start // 1000 * 1000 + retry.WINDOW_MS
    row = await pools[1].fetchrow("select state, sealed from mail")
    assert (row["state"], row["sealed"]) == ("failed", None)
    audit = await pools[1].fetchrow("select action, outcome, detail from audit")
    assert (audit["action"], audit["outcome"]) == ("mail.failed", "failed") and "asha" not in audit["detail"]


async def test_two_workers_send_once_and_a_dead_ones_mail_is_sent_when_its_lease_is_over(pools, tmp_path):
    for _ in range(6):
        await queued(pools)
    box_ports = ports(pools, OutboxRoute(tmp_path))
    done = await asyncio.gather(*(dispatch(box_ports) for _ in range(3)))
    assert sum(done) == 6 and len(list(tmp_path.iterdir())) == 6
    await queued(pools)
    now = clock.now_ms()
    assert len(await store.lease(pools[1], now_ms=now, until_ms=now + LEASE_MS, limit=9)) == 1
    assert await dispatch(box_ports) == 0
    assert await dispatch(box_ports, now_ms=lambda: now + LEASE_MS + 1) == 1


async def test_mail_of_a_transaction_that_fails_is_never_sent(pools):
    gateway, _, box = pools
    with pytest.raises(RuntimeError):
        async with gateway.acquire() as connection, connection.transaction():
            await send.queue(connection, box, to="a@b.example", subject="s", text="t", kind="k", now=clock.now())
            raise RuntimeError
    assert await letters(gateway, box) == []


@given(st.text(max_size=300), st.text(max_size=300))
def test_nothing_in_a_mail_can_become_a_header(subject, text):
    hostile = f"{subject}\r\nBcc: thief@evil.example\n\n{subject}"
    raw = written(letter("a@b.example", hostile, text), sender="g@p.example", name="L", id_="mail_1", created=1)
    message = email.message_from_bytes(raw, policy=default)
    assert sorted(message.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding",
         "MIME-Version"]
    )  # fmt: skip
    assert message["Bcc"] is None and message["To"] == "a@b.example"


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "@b", "a@b\r\nRCPT TO:<x@y>", "a b@c.d", "a@b,c@d", "<a@b>", "a..b@c.d", "a@-b.c", "a@b..c",
             'Asha <a@b.c>', '"a"@b.c', "a@[127.0.0.1]", "ä@b.c", "a@b.c\n", "x" * 65 + "@b.c"],
)  # fmt: skip
def test_what_is_no_plain_address_gets_no_mail(text):
    assert not is_address(text)
    with pytest.raises(ValueError):
        letter(text, "s", "t")


def test_the_settings_choose_a_safe_route_or_none():
    sandbox, production = {"profile": "sandbox"}, {"profile": "production"}
    assert chosen(sandbox, {}).outbox and not chosen(production, {}).outbox
    smtp = {"host": "mail.example", "user": "gate", "password_file": "/run/secret"}
    assert chosen(production | {"mail": {"from": "a@b.example", "smtp": smtp}}, {}).smtp == Smtp(
        "mail.example", 587, "starttls", "gate", password_file=Path("/run/secret")
    )
    assert "hunter2" not in repr(chosen(production | {"mail": {"smtp": smtp}}, {"smtp_password": "hunter2"}))
    for wrong in (
        {"smtp": {"host": "mail.example", "tls": "none"}},
        {"smtp": {"host": "127.0.0.1", "tls": "none", "user": "u", "password_file": "p"}},
        {"smtp": {"host": "mail.example", "user": "u"}},
        {"smtp": {"host": "mail.example", "port": 0}},
        {"smtp": {"host": "mail.example", "extra": 1}},
        {"smtp": {"host": "mail.example"}, "outbox": True},
        {"outbox": False},
        {"from": "x\r\ny@z", "outbox": True},
        [],
    ):
        with pytest.raises(ConfigError):
            chosen(production | {"mail": wrong}, {})
