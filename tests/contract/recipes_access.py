"""How each operation that administers is asked: by whom, about what, and which parameters exclude each other."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from lockgate.gateway.approvals.core.rules import OTHERS
from tests.contract import world_access as make
from tests.contract.recipes import Recipe
from tests.contract.world_access import AccessWorld
from tests.support.people import PASSWORD

# What only a browser does: it makes and uses passkeys. Here tests/gateway/factors/authenticator.py stands in for it, so
# that these are asked too; tests/browser has a real one do the same.
BROWSERS = ("factor.add_passkey", "approval.challenge", "session.challenge")
ONE_PROOF = "an app proves itself in one way; tests/gateway/oauth change the others"
SMALL = {"permissions[charges]": "read"}
BOUNDS = {"rate": 5000, "burst": 5000, "per_seconds": 1, "at_once": 500}


def _soon(_world: AccessWorld, _ids: Mapping[str, str]) -> int:
    return int(time.time()) + 3600


def _number(text: str) -> Callable[[AccessWorld, Mapping[str, str]], str]:
    return lambda world, _: text.format(world.number())


def _code(world: AccessWorld, _ids: Mapping[str, str]) -> str:
    return world.person.code()


def _again(world: AccessWorld) -> None:
    world.owner.again()


def _item(world: AccessWorld, _ids: Mapping[str, str]) -> str:
    return make.any_item(world)


def _key(world: AccessWorld, _ids: Mapping[str, str]) -> str:
    return make.key(world)


PROOF: Mapping[str, Any] = {"method": "totp", "proof": _code}
ACCESS: dict[str, Recipe] = {
    "access_review.complete": Recipe(path={"review": make.decided_review}),
    "access_review.start": Recipe(by=make.no_review),
    "access_review_item.decide": Recipe(
        path={"review": make.review_of_a_key, "item": lambda world: world.item}, values=SMALL,
        needs={"permissions": {"decision": "reduce"}, "roles": {"decision": "reduce"}},
        never={"roles": "a key's access has no roles to reduce; tests/gateway/access reduce a person's"},
    ),
    "access_review_item.list": Recipe(
        path={"review": make.open_review}, values={"starting_after": _item, "ending_before": _item}
    ),
    "access_review_item.get": Recipe(path={"review": make.open_review, "item": make.any_item}),
    "address_rule.create": Recipe(
        always={"networks[0]": "127.0.0.0/8"},
        values={"networks": ["127.0.0.0/8"], "subject": "refunds", "mode": "dry_run", "scope": "account"},
        needs={"subject": {"scope": "class"}},
    ),
    "address_rule.update": Recipe(always={"mode": "dry_run"}, values={"networks": ["127.0.0.0/8"]}),
    "alert.resolve": Recipe(path={"alert": lambda world: world.one("alert")}),
    "alert.acknowledge": Recipe(path={"alert": lambda world: world.one("alert")}),
    "alert_route.create": Recipe(
        always={"email": _number("told-{}@shop.test")},
        values={"email": _number("told-{}@shop.test"), "url": "https://127.0.0.1:9/breadth"}, apart=(("email", "url"),),
    ),
    "alert_route.list_deliveries": Recipe(path={"route": lambda world: world.one("route")}),
    "alert_rule.update": Recipe(always={"enabled": "true"}, values={"threshold": 7, "enabled": "true"}),
    "alert_silence.create": Recipe(values={"rule": "access_review_due", "until": _soon}),
    "api_key.create": Recipe(
        values={**SMALL, "expires_at": _soon}, needs={"permissions": {"type": "restricted"}}
    ),
    "api_key.update": Recipe(values={**SMALL, "expires_at": _soon}),
    "app.create": Recipe(
        always={"redirect_uris[0]": "https://app.example/back"},
        values={
            "redirect_uris": ["https://app.example/back"], "scope": "charges=read", "jwks": make.jwks,
            "certificates": lambda world, ids: [make.foreign(world, ids)], "tls_client_auth[san_dns]": "app.example",
            "token_endpoint_auth_method": "none", "tls_client_auth[san_ip]": "203.0.113.7",
            "tls_client_auth[san_uri]": "https://app.example/one", "tls_client_auth[san_email]": "app@app.example",
            "tls_client_auth[subject_dn]": "CN=app.example",
        },
        apart=(
            ("jwks", "tls_client_auth", "certificates"),
            tuple(f"tls_client_auth[{name}]" for name in ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")),
        ),
        needs={
            "jwks": {"token_endpoint_auth_method": "private_key_jwt"},
            "tls_client_auth": {"token_endpoint_auth_method": "tls_client_auth"},
            "certificates": {"token_endpoint_auth_method": "self_signed_tls_client_auth"},
        },
    ),
    "app.update": Recipe(
        values={"redirect_uris": ["https://app.example/back"], "scope": "charges=read", "jwks": make.jwks},
        never={"tls_client_auth": ONE_PROOF, "certificates": ONE_PROOF},
    ),
    "approval.approve": Recipe(by=make.another, path={"approval": make.approval_of_another}, values=PROOF),
    "approval.challenge": Recipe(by=make.with_passkey),
    "approval.create": Recipe(
        always={"path": "/v1/refunds"}, values={"path": "/v1/refunds", "params": {"amount": 400_000}},
    ),
    "approval.prove": Recipe(by=make.another, values=PROOF),
    "approval_policy.update": Recipe(
        values={f"{name}[two_people]": "false" for name in OTHERS},
    ),
    "audit_checkpoint.get": Recipe(values={"continues": lambda world, _: world.one("checkpoint")}),
    "certificate_requirement.set": Recipe(
        values={"required": "false", "api_key": lambda world, _: world.one("api_key")}
    ),
    "client_certificate.create": Recipe(values={"csr": make.csr, "api_key": _key}),
    "client_certificate.register": Recipe(
        values={"certificate": make.foreign, "api_key": _key, "names": ["till.shop.example"]},
        needs={"names": {"certificate": make.authority}},
    ),
    "factor.add_passkey": Recipe(by=make.another, values={"proof": make.passkey}),
    "factor.confirm_totp": Recipe(by=make.another, values={"code": make.enrolled_code}),
    "factor.delete": Recipe(by=make.another, path={"factor": make.second_app}),
    "factor.recovery_codes": Recipe(by=make.another),
    "invitation.create": Recipe(values={"email": _number("invited-{}@shop.test"), "roles": ["support"]}),
    "person.enable": Recipe(path={"person": make.disabled}),
    "person.list": Recipe(values={"role": "owner", "starting_after": lambda world, _: world.owner.id,
                                  "ending_before": lambda world, _: world.owner.id}),
    "person.update": Recipe(values={"roles": ["auditor"]}),
    "profile.change_password": Recipe(
        by=make.another, values={"current_password": PASSWORD, "password": _number("nine loud herons cross the bay {}"),
                                 "device": lambda world, _: world.person.device},
    ),
    "rate_limit.set": Recipe(
        values={**BOUNDS, "subject": lambda world, _: world.one("api_key"), "scope": "key", "mode": "observe"},
        apart=(("class", "at_once"),), needs={"subject": {"scope": "key"}},
    ),
    "role.create": Recipe(always=SMALL, values={**SMALL, "name": _number("Part {}")}),
    "role.update": Recipe(values={**SMALL, "name": _number("Part {}")}),
    "session.challenge": Recipe(by=make.with_passkey),
    "session.end_all": Recipe(after=_again),
    "session.end_own": Recipe(by=make.another),
    "session.list_of_person": Recipe(path={"person": lambda world: world.owner.id}),
    "session.prove_again": Recipe(by=make.another, values=PROOF),
    "session.revoke": Recipe(by=make.another, path={"session": make.session}),
}  # fmt: skip
