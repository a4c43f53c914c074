"""``webhooks listen`` and ``trigger`` against a small API: what is asked, what is forwarded, what is said."""

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
import stripe
from standardwebhooks import Webhook

from lockgate.cli.trigger import RECIPES
from lockgate.gateway.webhooks.core.types import EVENT_TYPES


@pytest.fixture
def server():
    """An API with a list of events, which also takes what is forwarded and remembers every request."""

    class Handler(BaseHTTPRequestHandler):
        def _take(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept.requests.append((self.command, self.path, dict(self.headers), body))
            if self.path.startswith("/v1/events"):
                page = {"object": "list", "data": kept.events[::-1], "has_more": False}
                return self._answer(200, page)
            if b"chargeDeclined" in body:
                return self._answer(402, {"error": {"type": "card_error", "message": "Your card was declined."}})
            return self._answer(200, {"id": f"obj_{len(kept.requests)}", "status": "succeeded"})

        def _answer(self, status, value):
            raw = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_DELETE = _take

        def log_message(self, *_):
            pass

    kept = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.requests, kept.events = [], []
    kept.url = f"http://127.0.0.1:{kept.server_port}"
    thread = threading.Thread(target=kept.serve_forever)
    thread.start()
    yield kept
    kept.shutdown()
    thread.join()
    kept.server_close()


def command(*words):
    return [sys.executable, "-m", "lockgate.cli.main", *words]


def run(*words):
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=60, check=False)


def test_listen_forwards_new_events_signed_with_the_printed_secret(server):
    server.events.append({"id": "evt_old", "type": "charge.failed", "created": int(time.time())})
    listening = subprocess.Popen(
        command("webhooks", "listen", "--forward-to", server.url + "/hook", "--api", server.url, "--key", "sk_test_x"),
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        secret = next(word for word in listening.stdout.readline().split() if word.startswith("whsec_"))
        server.events.append({"id": "evt_new", "type": "charge.succeeded", "created": int(time.time())})
        assert listening.stdout.readline().split() == ["charge.succeeded", "evt_new", "200"]
    finally:
        listening.send_signal(2)
        rest, _ = listening.communicate(timeout=60)
    assert listening.returncode == 0 and rest.strip() == "stopped"
    [(_, _, headers, body)] = [request for request in server.requests if request[1] == "/hook"]
    lower = {name.lower(): value for name, value in headers.items()}
    assert Webhook(secret).verify(body, lower)["id"] == "evt_new"
    assert stripe.WebhookSignature.verify_header(body.decode(), lower["stripe-signature"], secret, 300)


def test_trigger_makes_the_calls_in_order_with_the_ids_they_give(server):
    done = run("trigger", "charge.refunded", "--api", server.url, "--key", "sk_test_x")
    assert done.returncode == 0, done.stderr
    (_, pay, headers, body), (_, refund, _, second) = server.requests
    assert (pay, refund) == ("/v1/payment_intents", "/v1/refunds") and headers["Authorization"] == "Bearer sk_test_x"
    assert parse_qs(body.decode())["confirm"] == ["true"]
    assert parse_qs(second.decode()) == {"payment_intent": ["obj_1"]}


def test_a_wanted_decline_is_success_and_an_unwanted_refusal_is_not(server):
    done = run("trigger", "charge.failed", "--api", server.url, "--key", "sk_test_x")
    assert done.returncode == 0 and "declined, as wanted" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("trigger", "no.such.event"), "--list"),
        (("trigger", "charge.failed", "--api", "http://127.0.0.1:1", "--key", "sk_test_x"), "cannot be reached"),
        (("trigger", "charge.failed", "--api", "http://127.0.0.1:1", "--key", "sk_live_x"), "test mode"),
        (("webhooks", "listen", "--forward-to", "file:///etc/passwd", "--api", "http://x"), "--forward-to"),
    ],
)
def test_mistakes_are_named_in_one_line(words, said):
    done = run(*words)
    assert done.returncode == 1 and said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_every_recipe_is_for_a_type_that_exists():
    assert set(RECIPES) <= set(EVENT_TYPES)
    assert run("trigger", "--list").stdout.split() == sorted(RECIPES)
