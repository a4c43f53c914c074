"""People sign up, sign in and look after their account, in a real browser with a virtual authenticator."""

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import PASSWORD, Visitor


def test_a_passkey_signs_up_and_signs_in_alone(anna: Visitor):
    anna.with_passkey()
    (kept,) = anna.passkeys()
    assert kept["isResidentCredential"]
    assert kept["rpId"] == "localhost"
    assert len(anna.codes) == 10
    anna.sign_out()
    anna.page.get_by_role("link", name="Sign in with a passkey").click()
    anna.press("Use your passkey")
    anna.reads("Your account")
    expect(anna.page.get_by_text(anna.email)).to_be_visible()
    assert anna.passkeys()[0]["signCount"] > kept["signCount"]
    assert anna.faults == []


def test_a_passkey_is_a_second_factor_too(anna: Visitor):
    anna.with_passkey()
    anna.sign_out()
    anna.begin()
    anna.reads("Show that it is you")
    anna.press("Use your passkey")
    anna.reads("Your account")


def test_an_authenticator_that_does_not_verify_its_user_is_refused(anna: Visitor):
    anna.with_passkey()
    anna.sign_out()
    anna.devtools.send(
        "WebAuthn.setUserVerified", {"authenticatorId": anna.authenticator, "isUserVerified": False}
    )
    anna.open("/sign-in/passkey")
    anna.press("Use your passkey")
    expect(anna.page.get_by_text("Nothing was proved.")).to_be_visible()
    anna.open("/account/security")
    anna.reads("Sign in")


def test_a_copied_passkey_is_refused(anna: Visitor):
    anna.with_passkey()
    anna.sign_out()
    anna.open("/sign-in/passkey")
    anna.press("Use your passkey")
    anna.reads("Your account")
    anna.sign_out()
    (kept,) = anna.passkeys()
    anna.devtools.send(
        "WebAuthn.removeCredential", {"authenticatorId": anna.authenticator, "credentialId": kept["credentialId"]}
    )
    copy = {**kept, "signCount": 0}
    anna.devtools.send("WebAuthn.addCredential", {"authenticatorId": anna.authenticator, "credential": copy})
    anna.open("/sign-in/passkey")
    anna.press("Use your passkey")
    expect(anna.page.get_by_role("alert").filter(has_text="wrong")).to_be_visible()
    anna.open("/account/security")
    anna.reads("Sign in")


def test_an_app_signs_in_and_its_code_is_good_once(anna: Visitor):
    anna.with_app()
    anna.sign_out()
    anna.begin()
    code = anna.code()
    anna.page.get_by_label("Code from your authenticator app").fill(code)
    anna.press("Continue")
    anna.reads("Your account")
    anna.sign_out()
    anna.begin()
    anna.page.get_by_label("Code from your authenticator app").fill(code)
    anna.press("Continue")
    expect(anna.page.get_by_text("it was used already")).to_be_visible()
    expect(anna.page.get_by_label("Code from your authenticator app")).to_have_attribute("aria-invalid", "true")


def test_a_wrong_first_code_keeps_the_drawing(anna: Visitor):
    anna.join()
    anna.page.get_by_role("link", name="An authenticator app").click()
    first = anna.page.locator("code").inner_text()
    anna.page.get_by_label("The code that it shows now").fill("000000")
    anna.press("Add the app")
    expect(anna.page.get_by_text("The code is wrong.")).to_be_visible()
    assert anna.page.locator("code").inner_text() == first
    anna.add_app()
    anna.keep_codes()


def test_a_recovery_code_is_good_once(anna: Visitor):
    anna.with_app()
    anna.sign_out()
    for expected in ("Your account", "Show that it is you"):
        anna.begin()
        anna.page.get_by_text("Use a recovery code").click()
        anna.page.get_by_label("Recovery code").fill(anna.codes[0])
        anna.page.locator("details").get_by_role("button").click()
        anna.reads(expected)
        if expected == "Your account":
            anna.sign_out()


def test_a_password_alone_opens_nothing(anna: Visitor):
    anna.with_app()
    anna.sign_out()
    anna.begin()
    for path in ("/account/security", "/account/app", "/step-up"):
        anna.open(path)
        anna.reads("Sign in")
    anna.open("/sign-up/app")
    expect(anna.page.get_by_text("There is a second factor already")).to_be_visible()


def test_factors_come_and_go_and_the_last_one_stays(anna: Visitor):
    anna.with_app()
    before = anna.cookies()["__Host-session"]["value"]
    anna.page.get_by_role("link", name="Add a passkey").click()
    anna.page.get_by_label("A name for it").fill("Laptop")
    anna.press("Make the passkey")
    expect(anna.page.get_by_text("Your factors are changed.")).to_be_visible()
    assert anna.cookies()["__Host-session"]["value"] != before
    anna.press("Remove Authenticator app")
    expect(anna.page.get_by_text("Laptop").first).to_be_visible()
    expect(anna.page.get_by_role("button", name="Remove")).to_have_count(0)
    assert anna.faults == []


def test_a_change_ends_other_sessions(anna: Visitor, ben: Visitor):
    anna.with_app()
    ben.email, ben.seed, ben.last_step = anna.email, anna.seed, anna.last_step
    ben.begin()
    ben.page.get_by_label("Code from your authenticator app").fill(ben.code())
    ben.press("Continue")
    ben.reads("Your account")
    anna.page.reload()
    expect(anna.page.get_by_role("button", name="Sign out everywhere else")).to_be_visible()
    anna.page.get_by_role("link", name="Add a passkey").click()
    anna.press("Make the passkey")
    anna.reads("Your account")
    ben.page.wait_for_timeout(1_100)
    ben.page.reload()
    ben.reads("Sign in")


def test_sessions_are_seen_and_ended(anna: Visitor, ben: Visitor):
    anna.with_app()
    ben.email, ben.seed, ben.last_step = anna.email, anna.seed, anna.last_step
    ben.begin()
    ben.page.get_by_label("Code from your authenticator app").fill(ben.code())
    ben.press("Continue")
    anna.page.reload()
    anna.page.get_by_role("button", name="Sign out Chrome").click()
    expect(anna.page.get_by_text("That session has ended.")).to_be_visible()
    ben.page.wait_for_timeout(1_100)
    ben.page.reload()
    ben.reads("Sign in")


def test_a_password_is_changed(anna: Visitor):
    anna.with_app()
    anna.page.get_by_label("Current password").fill(PASSWORD)
    anna.page.get_by_label("New password").fill("eleven bold lanterns swing at dusk")
    anna.press("Change it")
    expect(anna.page.get_by_text("Your password is changed.")).to_be_visible()


def test_a_keyboard_is_enough(anna: Visitor):
    """Sign up and in without ever touching the page with a pointer."""
    anna.open(anna.invited())
    anna.page.keyboard.press("Tab")
    assert anna.page.evaluate("document.activeElement.textContent") == "Skip to the content"

    def type_(*words: str) -> None:
        for place, word in enumerate(words):
            anna.page.keyboard.type(word)
            anna.page.keyboard.press("Tab" if place < len(words) - 1 else "Enter")

    anna.page.keyboard.press("Tab")
    anna.page.keyboard.press("Enter")
    expect(anna.page.get_by_label("E-mail address")).to_be_focused()
    type_(anna.email, "Anna", PASSWORD)
    anna.reads("Choose a second factor")
    for _ in range(2):
        anna.page.keyboard.press("Tab")
    anna.page.keyboard.press("Enter")
    anna.reads("Make a passkey")
    for _ in range(2):
        anna.page.keyboard.press("Tab")
    anna.page.keyboard.press("Enter")
    anna.reads("Your recovery codes")
    for _ in range(2):
        anna.page.keyboard.press("Tab")
    anna.page.keyboard.press("Enter")
    anna.reads("Your account")


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example/", "/\\evil.example", "/%0d%0aX: y", "javascript:alert(1)"]
)
def test_nobody_is_sent_elsewhere(anna: Visitor, onward: str):
    anna.with_passkey()
    anna.sign_out()
    anna.page.goto(f"{anna.origin}/sign-in/passkey?next={onward.replace('%', '%25')}")
    anna.press("Use your passkey")
    anna.page.wait_for_load_state()
    assert anna.page.url.startswith(anna.origin)
