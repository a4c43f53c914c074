"""A third party's app is let in by the pages, seen among one's own, and put out again."""

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import expect

from tests.browser.visitor import PASSWORD, Visitor
from tests.support import people
from tests.support.door import Client

VERIFIER = "a-verifier-of-forty-three-signs-or-more-0123456789"


def registered(anna: Visitor) -> str:
    """A public app that anna's account knows; registered through the API with a session of its own."""
    door = Client(anna.running["api"], anna.running["ca_file"])
    begun = people.begin(door, anna.email, PASSWORD).json
    done = people.finish(door, begun, "totp", anna.code())
    assert done.status == 200, done.text
    door.key = done.json["access_token"]
    made = door.post(
        "/v1/apps",
        {"name": "Book keeper", "token_endpoint_auth_method": "none", "scope": "read_only",
         "redirect_uris[0]": "http://127.0.0.1:1/back"},
    )  # fmt: skip
    assert made.status == 200, made.text
    return made.json.get("client_id") or made.json["id"]


def link(anna: Visitor, client: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code", "client_id": client, "redirect_uri": "http://127.0.0.1:1/back", "scope": "read_only",
        "state": "s1", "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{anna.running['api']}/oauth/authorize?{urlencode(asked)}"


def test_an_app_is_let_in_and_put_out(anna: Visitor):
    anna.with_app()
    client = registered(anna)
    anna.sign_out()
    anna.page.goto(link(anna, client))
    anna.reads("Sign in")
    anna.page.get_by_label("E-mail address").fill(anna.email)
    anna.page.get_by_label("Password").fill(PASSWORD)
    anna.press("Continue")
    anna.page.get_by_label("Code from your authenticator app").fill(anna.code())
    anna.press("Continue")
    anna.reads("Book keeper asks for access")
    anna.page.route("http://127.0.0.1:1/**", lambda route: route.fulfill(body="The app's own page."))
    with anna.page.expect_request(lambda request: request.url.startswith("http://127.0.0.1:1/back")) as back:
        anna.press("Let Book keeper in")
    expect(anna.page.get_by_text("The app's own page.")).to_be_visible()
    answer = parse_qs(urlsplit(back.value.url).query)
    assert answer["state"] == ["s1"]
    assert len(answer["code"][0]) > 20
    anna.open("/account/security")
    expect(anna.page.get_by_text("Book keeper").first).to_be_visible()
    anna.page.get_by_role("button", name="End access of Book keeper").click()
    expect(anna.page.get_by_text("The app has no access any more.")).to_be_visible()
    expect(anna.page.get_by_text("You have let no app in.")).to_be_visible()
