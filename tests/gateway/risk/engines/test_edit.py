"""Setting engines up over the API's operations: what is refused, what is shown, what stays secret."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest_asyncio

from lockgate.gateway.risk.engines import api
from lockgate.gateway.risk.engines.core.shapes import MOST_ENGINES
from lockgate.gateway.risk.engines.ports import Ports
from lockgate.gateway.risk.engines.secret import unseal
from lockgate.gateway.webhooks.core import url
from lockgate.gateway.webhooks.secrets import new_secret
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal
from tests.gateway.customers.desk import ACCOUNT, Conclusions, MemoryBox, pool_as
from tests.gateway.risk.desk import LIVE, MERCHANT, STRANGER


@dataclass
class Desk:
    ports: Ports
    now: int = field(default_factory=clock.now)

    async def do(self, name: str, /, *, who: Any = MERCHANT, form: Any = None, **fields: Any) -> Any:
        operation = next(one for one in api.operations(self.ports) if one.name == f"risk_engine.{name}")
        path = {part: fields.pop(part) for part in list(fields) if f"{{{part}}}" in operation.path}
        body = urlencode({**(form or {}), **fields}).encode()
        call = Call(
            operation=operation, principal=who, path=path,
            params=operation.params.parse(nest(read_fields(body)), ""), expand=(), request_id="req_1",
            api_version="2026-06-24.dahlia", now=self.now, claim=None, concluding=Conclusions(),
        )  # fmt: skip
        answer = await operation.handler(call)
        return json.loads(answer.body) if isinstance(answer, Answer) else answer

    async def refused(self, name: str, /, **fields: Any) -> Refusal:
        try:
            answer = await self.do(name, **fields)
        except Refusal as refusal:
            return refusal
        raise AssertionError(f"nothing was refused: {answer}")


@pytest_asyncio.fixture
async def desk(database):
    async with pool_as(database, "gateway") as pool:
        yield Desk(Ports(pool, MemoryBox(), url.check, new_secret, allow_private=False))


URL = "https://risk.example.com/v1/score"
PERSON = Principal(ACCOUNT, False, "person", "per_1", permissions={"risk_settings": "write"})


async def test_an_engine_is_made_changed_and_removed_with_its_secret_shown_once(desk):
    made = await desk.do("create", name="Third", url=URL)
    assert made["secret"].startswith("whsec_") and made["stages"] == ["before"] and made["on_failure"] == "review"
    assert (made["acts"], made["enabled"], made["shares"], made["timeout_ms"]) == (True, True, [], 500)
    id_ = made["id"]
    shown = await desk.do("get", engine=id_)
    assert shown["secret"] is None
    changed = await desk.do(
        "update", engine=id_, timeout_ms=900, form={"stages[0]": "after", "stages[1]": "before", "shares[0]": "email"}
    )
    assert (changed["timeout_ms"], changed["stages"], changed["shares"]) == (900, ["before", "after"], ["email"])
    assert changed["secret"] is None and changed["version"] == 2
    turned = await desk.do("update", engine=id_, rotate_secret="true")
    assert turned["secret"] not in (None, made["secret"])
    kept = await desk.ports.pool.fetchval("select sealed from risk_engine where id = $1", id_)
    assert await unseal(desk.ports.box, ACCOUNT, id_, sealed=kept) == turned["secret"]
    assert [one["id"] for one in (await desk.do("list"))["data"]] == [id_]
    assert await desk.do("delete", engine=id_, who=PERSON) == {"id": id_, "object": "risk_engine", "deleted": True}
    for name in ("get", "update", "delete"):
        assert (await desk.refused(name, engine=id_, who=PERSON)).kind is Kind.NOT_FOUND
    assert (await desk.do("list"))["data"] == []
    told = [row["detail"] for row in await desk.ports.pool.fetch("select detail from audit order by created_ms")]
    assert len(told) == 4 and not any("whsec_" in str(detail) for detail in told)


async def test_what_must_not_be_asked_is_refused(desk):
    for bad in ("http://risk.example.com/", "https://127.0.0.1/", "https://10.0.0.1/", "https://localhost/x",
                "https://u:p@risk.example.com/", "ftp://risk.example.com/"):  # fmt: skip
        assert (await desk.refused("create", name="x", url=bad)).param == "url"
    assert (await desk.refused("create", name="x", url=URL, timeout_ms=9999)).param == "timeout_ms"
    assert (await desk.refused("create", name="x", url=URL, on_failure="shrug")).param == "on_failure"
    id_ = (await desk.do("create", name="x", url=URL))["id"]
    assert (await desk.refused("update", engine=id_, url="https://[::1]/")).param == "url"


async def test_others_and_the_other_mode_see_nothing_of_it_and_there_are_few(desk):
    id_ = (await desk.do("create", name="x", url=URL))["id"]
    for who in (LIVE, STRANGER):
        assert (await desk.do("list", who=who))["data"] == []
        assert (await desk.refused("get", engine=id_, who=who)).kind is Kind.NOT_FOUND
        assert (await desk.refused("delete", engine=id_, who=who)).kind is Kind.NOT_FOUND
    for _ in range(MOST_ENGINES - 1):
        await desk.do("create", name="x", url=URL)
    assert (await desk.refused("create", name="x", url=URL)).code == "risk_engines_limit_exceeded"


async def test_no_key_lets_more_through_than_before(desk):
    id_ = (await desk.do("create", name="x", url=URL, on_failure="block"))["id"]
    for change in ({"enabled": "false"}, {"acts": "false"}, {"on_failure": "review"}, {"url": "https://evil.example.com/"},
                   {"form": {"stages[0]": "after"}}, {"timeout_ms": 60, "on_failure": "allow"}):  # fmt: skip
        refused = await desk.refused("update", engine=id_, **change)
        assert (refused.kind, refused.code) == (Kind.FORBIDDEN, "person_required"), change
        assert (await desk.do("get", engine=id_))["version"] == 1
    assert (await desk.refused("delete", engine=id_)).code == "person_required"
    stricter = await desk.do("update", engine=id_, timeout_ms=60, name="y", rotate_secret="true")
    assert stricter["version"] == 2
    assert (await desk.do("update", engine=id_, who=PERSON, on_failure="allow"))["on_failure"] == "allow"
    refused = await desk.refused("update", engine=id_, rotate_secret="true")
    assert (refused.code, refused.param) == ("person_required", "rotate_secret"), "it answers nothing until it is told"
    milder = await desk.do("update", engine=id_, who=PERSON, enabled="false")
    assert (milder["on_failure"], milder["enabled"]) == ("allow", False)
    assert (await desk.do("update", engine=id_, enabled="true", on_failure="review"))["enabled"] is True
    off = (await desk.do("create", name="x", url=URL, enabled="false"))["id"]
    assert (await desk.do("delete", engine=off))["deleted"], "what is off stops nothing"


def test_every_change_asks_for_a_fresh_proof(desk):
    for operation in api.operations(desk.ports):
        assert (operation.privilege == "risk") is (operation.access == "write"), operation.name
