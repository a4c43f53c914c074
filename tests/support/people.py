"""People for tests: the first owner and members of a running Lockgate, signed up and signed in as they would be."""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pyotp

from tests.support.door import Client, Reply
from tests.support.running import Running

PASSWORD = "seven quiet otters paint the harbour"
_numbers = count(1)


@dataclass
class Person:
    """Somebody who is signed in. ``client`` sends a fresh access token; ``totp`` is her authenticator app."""

    running: Running
    email: str
    password: str
    seed: str = field(repr=False)
    tokens: dict[str, Any] = field(repr=False)
    client: Client
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)
    device: str | None = field(default=None, repr=False)
    _last_step: int = 0

    @property
    def id(self) -> str:
        return self.tokens["person"]

    @property
    def session(self) -> str:
        return self.tokens["session"]

    def code(self) -> str:
        """A code of her app that was not used yet; waits for the next one if need be."""
        while not self.has_code():
            time.sleep(0.2)
        step = int(time.time()) // 30
        # The window is one step to each side: the next code is good already.
        self._last_step = step if step > self._last_step else step + 1
        return pyotp.TOTP(self.seed).at(self._last_step * 30)

    def has_code(self) -> bool:
        """Whether her app has a code that was not used yet."""
        return int(time.time()) // 30 + 1 > self._last_step

    def proof(self) -> dict[str, str]:
        """A second factor without waiting: a code, or else one of the recovery codes."""
        if self.has_code() or not self.recovery_codes:
            return {"method": "totp", "proof": self.code()}
        self.recovery_codes, first = self.recovery_codes[1:], self.recovery_codes[0]
        return {"method": "recovery_code", "proof": first}

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        return self.client.get(path, params, **options)

    def post(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        return self.client.post(path, params, **options)

    def delete(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        return self.client.request("DELETE", path, params, **options)

    def again(self) -> "Person":
        """Signed in anew, with password and code, from the same address."""
        begun = begin(self.client, self.email, self.password, device=self.device).json
        done = bare(self.client, "/v1/sessions/prove", {"id": begun["id"], "secret": begun["secret"], **self.proof()})
        assert done.status == 200, done.text
        self.keep(done.json)
        return self

    def keep(self, tokens: Mapping[str, Any]) -> None:
        """Use these tokens from now on."""
        self.tokens = dict(tokens)
        self.client.key = self.tokens["access_token"]
        self.device = self.tokens.get("device", self.device)


def client(running: Running) -> Client:
    """Somebody who is not signed in, with an address of her own."""
    return Client(running["api"], running["ca_file"])


def begin(door: Client, email: str, password: str, *, device: str | None = None) -> Reply:
    """The first factor."""
    extra = {} if device is None else {"device": device}
    return bare(door, "/v1/sessions", {"email": email, "password": password, **extra})


def finish(door: Client, begun: Mapping[str, Any], method: str, proof: str) -> Reply:
    """The second."""
    sent = {"id": begun["id"], "secret": begun["secret"], "method": method, "proof": proof}
    return bare(door, "/v1/sessions/prove", sent)


def bare(door: Client, path: str, params: Mapping[str, Any]) -> Reply:
    """Post without any key, whatever ``door`` has."""
    key, door.key = door.key, None
    try:
        return door.post(path, params)
    finally:
        door.key = key


def owner(running: Running) -> Person:
    """The first owner, signed up through the link that the start announced; the same one for each later call."""
    kept = _OWNERS.get(str(running.home))
    if kept is not None:
        return kept.again()
    link = running.ready.get("owner_link") or running.command("people", "owner-link", "--recover").stdout.split()[0]
    made = accept(running, link, email=f"owner-{os.getpid()}@shop.test")
    _OWNERS[str(running.home)] = made
    return made


_OWNERS: dict[str, Person] = {}


def member(inviter: Person, roles: list[str], *, email: str | None = None) -> Person:
    """Somebody whom ``inviter`` has invited with these roles, signed in."""
    email = email or f"member-{os.getpid()}-{next(_numbers)}@shop.test"
    asked: dict[str, Any] = {"email": email} | {f"roles[{place}]": role for place, role in enumerate(roles)}
    made = inviter.post("/v1/invitations", asked)
    assert made.status == 200, made.text
    return accept(inviter.running, link_in(mail_to(inviter.running, email)), email=email)


def accept(running: Running, link: str, *, email: str) -> Person:
    """Sign up by a link: a password, an authenticator app, and the first session."""
    door = client(running)
    secret = link.partition("#")[2]
    sent = {"secret": secret, "email": email, "password": PASSWORD, "name": "Kim"}
    begun = bare(door, "/v1/invitations/accept", sent)
    assert begun.status == 200, begun.text
    signing = {"id": begun.json["id"], "secret": begun.json["secret"], "method": "totp"}
    enrolling = bare(door, "/v1/sessions/enroll", signing)
    assert enrolling.status == 200, enrolling.text
    person = Person(running, email, PASSWORD, enrolling.json["secret"], {"person": ""}, door)
    done = bare(door, "/v1/sessions/confirm", {**signing, "proof": person.code()})
    assert done.status == 200, done.text
    person.recovery_codes = tuple(done.json["recovery_codes"])
    person.keep(done.json)
    return person


def mail_to(running: Running, email: str, *, kind: str | None = None, within_s: float = 15) -> str:
    """The newest mail to ``email`` in the file outbox; ``kind`` is a word that its subject holds."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        for text in _mails(running.home / "mail"):
            if f"To: {email}" in text and (kind is None or kind in text):
                return text
        time.sleep(0.05)
    raise AssertionError(f"no mail to {email} within {within_s} s\n{running.tail()}")


def link_in(mail: str) -> str:
    """The link that a mail holds."""
    joined = mail.replace("=\n", "").replace("=3D", "=")
    found = re.search(r"https?://\S+#[A-Za-z0-9_-]{20,}", joined)
    assert found is not None, f"no link in {joined!r}"
    return found[0]


def _mails(folder: Path) -> Iterator[str]:
    files = sorted(folder.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for file in files:
        yield file.read_text(errors="replace").replace("\r\n", "\n")


def told(reply: Reply) -> str:
    """An answer's body without what differs by request."""
    return json.dumps(reply.json, sort_keys=True)
