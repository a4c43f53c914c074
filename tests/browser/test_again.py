"""Getting back in by a mailed link, and proving again what was proved too long ago."""

import asyncpg
from playwright.sync_api import expect

from lockgate.kernel.config import Home
from tests.browser.visitor import Visitor
from tests.support import people
from tests.support.cluster import run_apart

NEW = "twenty green kettles hum before noon"


def grow_old(anna: Visitor) -> None:
    """Let the last proof of every session be ten minutes old."""
    home = Home(anna.running.home)
    database = home.settings()["database"]

    async def change() -> None:
        connection = await asyncpg.connect(
            host=database["host"], port=database.get("port", 5432), database=database["name"],
            user="lockgate_gateway", password=home.secrets("gateway")["database_password"],
        )  # fmt: skip
        try:
            await connection.execute("update gateway.session set proved_at = proved_at - 600")
        finally:
            await connection.close()

    run_apart(change())  # the browser's driver has a loop of its own in this thread


def test_a_change_of_factors_asks_for_a_fresh_proof(anna: Visitor):
    anna.with_app()
    session = anna.cookies()["__Host-session"]["value"]
    grow_old(anna)
    anna.page.wait_for_timeout(1_100)
    anna.page.get_by_role("link", name="Add a passkey").click()
    anna.reads("Is it still you?")
    expect(anna.page.get_by_text("Use a recovery code")).to_have_count(0)
    anna.page.get_by_label("Code from your authenticator app").fill("000000")
    anna.press("Continue")
    expect(anna.page.get_by_text("The code is wrong")).to_be_visible()
    anna.page.get_by_label("Code from your authenticator app").fill(anna.code())
    anna.press("Continue")
    anna.reads("Make a passkey")
    assert anna.cookies()["__Host-session"]["value"] != session
    anna.press("Make the passkey")
    anna.reads("Your account")
    grow_old(anna)
    anna.page.wait_for_timeout(1_100)
    anna.press("Remove Authenticator app")
    anna.reads("Is it still you?")
    anna.press("Use your passkey")
    anna.reads("Your account")
    anna.press("Remove Authenticator app")
    expect(anna.page.get_by_text("Your factors are changed.")).to_be_visible()
    assert [fault for fault in anna.faults if "403" not in fault] == []  # the wrong code was answered with 403


def test_a_forgotten_password_is_replaced_and_the_factor_is_not(anna: Visitor):
    anna.with_app()
    anna.sign_out()
    anna.page.get_by_role("link", name="Forgot your password?").click()
    anna.page.get_by_label("E-mail address").fill(anna.email)
    anna.press("Send the link")
    expect(anna.page.get_by_text("If there is somebody with this address")).to_be_visible()
    link = people.link_in(people.mail_to(anna.running, anna.email, kind="password"))
    anna.open(link)
    anna.reads("New password")
    assert "#" not in anna.page.url
    anna.page.get_by_label("New password").fill("short")
    anna.page.evaluate("document.querySelector('form').noValidate = true")
    anna.press("Continue")
    expect(anna.page.get_by_role("alert").filter(has_text="password")).to_be_visible()
    anna.page.get_by_label("New password").fill(NEW)
    anna.press("Continue")
    expect(anna.page.get_by_text("Your password is changed.")).to_be_visible()
    anna.page.get_by_label("E-mail address").fill(anna.email)
    anna.page.get_by_label("Password").fill(NEW)
    anna.press("Continue")
    anna.reads("Show that it is you")
    anna.page.get_by_label("Code from your authenticator app").fill(anna.code())
    anna.press("Continue")
    anna.reads("Your account")
    anna.sign_out()
    anna.open(link)
    anna.page.get_by_label("New password").fill(NEW + " again")
    anna.press("Continue")
    expect(anna.page.get_by_role("alert").filter(has_text="not valid")).to_be_visible()
