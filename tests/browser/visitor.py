"""A browser as one person uses it: with a virtual authenticator of her own, and what she reads off the pages."""

import itertools
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pyotp
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.support.running import Running

PASSWORD = "nine slow barges carry the evening"
_numbers = itertools.count(1)


@dataclass
class Visitor:
    """``faults`` are what the browser's console complains of: a broken policy shows there."""

    page: Page
    devtools: CDPSession
    running: Running
    authenticator: str
    faults: list[str] = field(default_factory=list)
    email: str = field(default_factory=lambda: f"anna-{os.getpid()}-{next(_numbers)}@shop.test")
    seed: str = ""
    codes: list[str] = field(default_factory=list)
    last_step: int = 0

    @property
    def origin(self) -> str:
        return f"https://localhost:{urlsplit(self.running['api']).port}"

    def open(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.origin + path)

    def invited(self) -> str:
        """A link with which somebody becomes the owner."""
        return self.running.command("people", "owner-link", "--recover").stdout.split()[0]

    def code(self) -> str:
        """A code that was not used yet."""
        while (step := max(int(time.time()) // 30, self.last_step + 1)) > int(time.time()) // 30 + 1:
            time.sleep(0.2)
        self.last_step = step
        return pyotp.TOTP(self.seed).generate_otp(step)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def reads(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()

    def join(self) -> None:
        """Up to the choice of a first factor."""
        self.open(self.invited())
        self.press("Continue")
        self.page.get_by_label("E-mail address").fill(self.email)
        self.page.get_by_label("Name").fill("Anna")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Continue")
        self.reads("Choose a second factor")

    def with_app(self) -> None:
        """Sign up with an authenticator app, as far as one's account."""
        self.join()
        self.page.get_by_role("link", name="An authenticator app").click()
        self.add_app()
        self.keep_codes()

    def with_passkey(self) -> None:
        """The same with a passkey."""
        self.join()
        self.page.get_by_role("link", name="A passkey").click()
        self.press("Make the passkey")
        self.keep_codes()

    def add_app(self) -> None:
        self.page.get_by_text("It cannot be scanned?").click()
        self.seed = re.sub(r"\s", "", self.page.locator("code").inner_text())
        self.last_step = 0
        self.page.get_by_label("The code that it shows now").fill(self.code())
        self.press("Add the app")

    def keep_codes(self) -> None:
        self.reads("Your recovery codes")
        self.codes = self.page.locator(".codes li").all_inner_texts()
        self.page.get_by_role("link", name="I have kept them").click()
        self.reads("Your account")

    def sign_out(self) -> None:
        self.press("Sign out")
        self.reads("Sign in")

    def begin(self) -> None:
        """The first factor."""
        self.open("/sign-in")
        self.page.get_by_label("E-mail address").fill(self.email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Continue")

    def cookies(self) -> dict[str, Any]:
        return {cookie["name"]: cookie for cookie in self.page.context.cookies()}

    def passkeys(self) -> list[dict[str, Any]]:
        """What the virtual authenticator keeps."""
        found = self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return found["credentials"]


@contextmanager
def visitor(chromium: Browser, running: Running) -> Iterator[Visitor]:
    """A browser of its own, with an authenticator that always says yes."""
    context = chromium.new_context(ignore_https_errors=True)
    context.set_default_timeout(10_000)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    opened = Visitor(page, devtools, running, made["authenticatorId"])
    page.on("console", lambda said: opened.faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda fault: opened.faults.append(str(fault)))
    try:
        yield opened
    finally:
        context.close()
