"""What administering needs beforehand: people who signed up, keys, roles, apps, certificates, alerts and reviews."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyotp
from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.gateway.certificates.core import build
from lockgate.gateway.identity.core.permissions import GIVEN
from lockgate.gateway.pages.origins import origin_of
from lockgate.kernel import jws
from tests.contract.world import World
from tests.gateway.certificates.house import authority_of, self_signed
from tests.gateway.certificates.test_life import csr_of
from tests.gateway.factors.authenticator import Authenticator
from tests.support import people
from tests.support.door import Client, Reply
from tests.support.people import Person
from tests.sweeps import credentials
from tests.sweeps.conftest import Place

FRESH_S = 200
"""How long a proof is relied on here: well under the five minutes that it counts as fresh."""


class Fresh:
    """The first owner's client, who proves a second factor again before the last proof is too old."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._proved = time.monotonic()

    def request(self, *given: Any, **options: Any) -> Reply:
        if time.monotonic() - self._proved > FRESH_S:
            self.again()
        reply = self.person.client.request(*given, **options)
        for _ in range(30):
            if reply.status != 429:
                break
            time.sleep(int(reply.headers["retry-after"]))  # guesses at passwords and proofs are limited for good
            reply = self.person.client.request(*given, **options)
        return reply

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        return self.request("GET", path, params, **options)

    def post(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        return self.request("POST", path, params, **options)

    def again(self) -> None:
        self.person.again()
        self._proved = time.monotonic()


@dataclass
class AccessWorld(World):
    """A world that its first owner administers. ``person`` is who asks just now in the recipes that say ``by``."""

    place: Place = field(kw_only=True)
    shop: World = field(kw_only=True)
    """The same account by its secret key: for payments."""
    owner: Person = field(kw_only=True)
    person: Person = field(init=False)
    device: Authenticator = field(init=False)
    seed: str = ""
    item: str = ""

    def __post_init__(self) -> None:
        self.person = self.owner

    @property
    def makers(self) -> Mapping[str, Callable[[Any], str]]:
        return MAKERS


def world(place: Place) -> AccessWorld:
    """The first owner's, at a place whose operator lets people ask as fast as keys."""
    for scope in ("person", "address"):
        place.running.command("limits", "set", scope, "--rate", "5000", "--burst", "5000")
    owner = people.owner(place.running)
    account = place.running["account"]
    shop = World(place.client(place.running["secret_key"]), account)
    client: Any = Fresh(owner)
    return AccessWorld(client, account, place=place, shop=shop, owner=owner)


def another(world: AccessWorld) -> Client:
    """Another owner, who just signed up: for what ends one's own sessions or changes one's own factors."""
    world.person = people.member(world.owner, ["owner"])
    return world.person.client


def own(world: AccessWorld, path: str, /, **params: Any) -> dict[str, Any]:
    """Asked by whoever asks just now."""
    reply = (world.asking or world.client).post(path, params)
    assert reply.status == 200, (path, reply.text)
    return reply.json


def helper(world: AccessWorld) -> str:
    """Somebody of the account with few rights."""
    return credentials.person(world.place, world.account, "support").id


def disabled(world: AccessWorld) -> str:
    id_ = helper(world)
    world.post(f"/v1/people/{id_}/disable")
    return id_


def session(world: AccessWorld) -> str:
    return (world.person if world.asking else world.owner).session


def role(world: AccessWorld) -> str:
    return world.post("/v1/roles", **{"name": f"Role {world.number()}", "permissions[charges]": "write"})["id"]


def key(world: AccessWorld) -> str:
    """A restricted key that may do everything a key may."""
    granted = {f"permissions[{name}]": "write" for name in GIVEN}
    return world.post("/v1/api_keys", type="restricted", **granted)["id"]


def app(world: AccessWorld) -> str:
    return world.post("/v1/apps", **{
        "name": "Till", "token_endpoint_auth_method": "private_key_jwt", "scope": "charges=read",
        "redirect_uris[0]": "https://app.example/back", "jwks": jwks(world, {}),
    })["id"]


def jwks(_world: AccessWorld, _ids: Mapping[str, str]) -> str:
    """The public half of a new key."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = (jws.base64url(value.to_bytes(32, "big")) for value in (point.x, point.y))
    return f'{{"keys": [{{"kty": "EC", "crv": "P-256", "x": "{x}", "y": "{y}"}}]}}'


def csr(_world: AccessWorld, _ids: Mapping[str, str]) -> str:
    return csr_of(ec.generate_private_key(ec.SECP256R1()))


def authority(_world: AccessWorld, _ids: Mapping[str, str]) -> str:
    """One that is not ours."""
    return build.pem(authority_of("Another house").certificate).decode()


def foreign(_world: AccessWorld, _ids: Mapping[str, str]) -> str:
    """A client certificate that is not ours."""
    return self_signed(build.name("app.example")).certificate


def certificate(world: AccessWorld) -> str:
    return world.post("/v1/client_certificates", csr=csr(world, {}))["id"]


def invitation(world: AccessWorld) -> str:
    email = f"asked-{world.number()}@shop.test"
    return world.post("/v1/invitations", **{"email": email, "roles[0]": "support"})["id"]


def address_rule(world: AccessWorld) -> str:
    asked = {"scope": "class", "subject": "refunds", "networks[0]": "127.0.0.0/8", "mode": "dry_run"}
    return world.post("/v1/address_rules", **asked)["id"]


def rate_limit(world: AccessWorld) -> str:
    asked = {"scope": "person", "subject": helper(world), "rate": 5, "burst": 5}
    return world.post("/v1/rate_limits", **asked)["id"]


def route(world: AccessWorld) -> str:
    return world.post("/v1/alert_routes", email=f"route-{world.number()}@shop.test")["id"]


def alert_delivery(world: AccessWorld) -> str:
    return world.post(f"/v1/alert_routes/{world.one('route')}/test")["id"]


def silence(world: AccessWorld) -> str:
    until = int(time.time()) + 600
    return world.post("/v1/alert_silences", rule="access_review_due", until=until, reason="breadth")["id"]


def alert(world: AccessWorld) -> str:
    """Opened because somebody was made an owner."""
    world.post(f"/v1/people/{helper(world)}", **{"roles[0]": "owner"})
    return world.soon("/v1/alerts")["id"]


def counted_rule(world: AccessWorld) -> str:
    """A rule that counts."""
    rules = world.get("/v1/alert_rules", limit=100)["data"]
    return next(rule["id"] for rule in rules if rule["threshold"] > 1)


def approval(world: AccessWorld) -> str:
    """For a refund of more than may be paid back without a confirmation; asked for by whoever asks just now."""
    return own(world, "/v1/approvals", method="POST", path="/v1/refunds", **large(world, {}))["id"]


def large(world: AccessWorld, _ids: Mapping[str, str]) -> dict[str, Any]:
    """A refund's parameters as an approval takes them."""
    charge = world.shop.paid(amount=500_000)["latest_charge"]
    return {"params[charge]": charge, "params[amount]": 400_000 + world.number()}


def approval_of_another(world: AccessWorld) -> str:
    """One that the first owner waits for a second person with; whoever asks just now is that person."""
    world.post("/v1/approval_policy", **{"refund[two_people_above]": 1})
    asked = {"method": "POST", "path": "/v1/refunds", **large(world, {})}
    return world.post("/v1/approvals", **asked)["id"]


def checkpoint(world: AccessWorld) -> str:
    end = time.monotonic() + 90
    while not (known := world.get("/v1/audit_checkpoints", limit=1)["data"]):
        assert time.monotonic() < end, "the log is never signed"
        time.sleep(0.5)
    return known[0]["id"]


def record(world: AccessWorld) -> str:
    return world.get("/v1/audit_records", limit=1)["data"][0]["id"]


def authorization(world: AccessWorld) -> str:
    credentials.app(world.place, world.account, world.owner.id, {"charges": "read"})
    return world.get("/v1/authorizations", limit=1)["data"][0]["id"]


def open_review(world: AccessWorld) -> str:
    """The account's one open review."""
    newest = world.get("/v1/access_reviews", limit=1)["data"]
    if newest and newest[0]["status"] == "open":
        return newest[0]["id"]
    return world.post("/v1/access_reviews")["id"]


def decided_review(world: AccessWorld) -> str:
    """An open review in which there is nothing left to decide."""
    id_ = open_review(world)
    world.place.fetch(
        "update gateway.access_review_item set decision = 'attest', decided_by = 'person:x', decided_at = 1"
        " where account = $1 and review = $2 and decision is null", world.account, id_,
    )
    return id_


def end_review(world: AccessWorld) -> None:
    world.post(f"/v1/access_reviews/{decided_review(world)}/complete")


def no_review(world: AccessWorld) -> Client:
    """An account has one open review at a time."""
    end_review(world)
    return world.client


def review_of_a_key(world: AccessWorld) -> str:
    """A new review with the item of a key that has access to take away."""
    end_review(world)
    held = key(world)
    review = open_review(world)
    world.item = _items(world, review)[held]
    return review


def any_item(world: AccessWorld) -> str:
    return next(iter(_items(world, open_review(world)).values()))


def _items(world: AccessWorld, review: str) -> dict[str, str]:
    """By who holds the access."""
    found, after = {}, {}
    while True:
        page = world.get(f"/v1/access_reviews/{review}/items", limit=100, **after)
        found |= {one["holder"]: one["id"] for one in page["data"]}
        if not page["has_more"]:
            return found
        after = {"starting_after": page["data"][-1]["id"]}


def second_app(world: AccessWorld) -> str:
    """One more authenticator app of whoever asks: the factor that can be removed."""
    enroll(world)
    own(world, "/v1/factors/totp/confirm", code=enrolled_code(world, {}))
    world.person.again()
    return (world.asking or world.client).get("/v1/factors").json["data"][0]["id"]


def enroll(world: AccessWorld) -> None:
    world.seed = own(world, "/v1/factors/totp", name="Phone")["secret"]


def enrolled_code(world: AccessWorld, _ids: Mapping[str, str]) -> str:
    """What the app that was begun shows."""
    if not world.seed:
        enroll(world)
    seed, world.seed = world.seed, ""
    return pyotp.TOTP(seed).now()


def passkey(world: AccessWorld, _ids: Mapping[str, str]) -> str:
    """A new passkey's answer: an authenticator in software stands in for the browser and its device."""
    options = own(world, "/v1/factors/passkeys/challenge")["options"]
    origin = origin_of(world.place.running.settings()["api"]["url"])
    world.device = Authenticator(origin, options["rp"]["id"])
    return world.device.register(options)


def with_passkey(world: AccessWorld) -> Client:
    """Another owner, who has a passkey too."""
    client = world.asking = another(world)
    own(world, "/v1/factors/passkeys", name="Key", proof=passkey(world, {}))
    world.person.again()
    return client


MAKERS: dict[str, Callable[[Any], str]] = {
    "access_review": open_review,
    "access_review_item": any_item,
    "address_rule": address_rule,
    "alert": alert,
    "alert_delivery": alert_delivery,
    "alert_route": lambda world: world.one("route"),
    "alert_rule": lambda world: world.get("/v1/alert_rules", limit=1)["data"][0]["id"],
    "alert_silence": silence,
    "api_key": key,
    "app": app,
    "approval": approval,
    "audit_checkpoint": checkpoint,
    "audit_record": record,
    "authorization": authorization,
    "checkpoint": checkpoint,
    "client_certificate": certificate,
    "invitation": invitation,
    "item": any_item,
    "person": helper,
    "rate_limit": rate_limit,
    "record": record,
    "review": open_review,
    "role": role,
    "route": route,
    "rule": counted_rule,
    "session": session,
    "silence": silence,
}
