"""docs/dialect.md is what the declarations say, and no parameter that the SDK may send is unknown to them."""

import json
from pathlib import Path

import pytest
from tools.contract import dialect, sdk
from tools.contract.__main__ import DIALECT
from tools.contract.declared import operations

from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import ADMINISTRATIVE

LIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "dialect" / "subset_fields.json"
# Operations that the SDK does not have, besides all that administer an account: clients learn of them from our pages.
OWN = {
    "event.redeliver", "test_clock.advance", "test_clock.get", "webhook_endpoint.list_deliveries",
    "webhook_endpoint.rotate_secret",
    "collector.get", "collector.update", "radar_session.create", "radar_session.delete", "radar_session.get",
    "review.refuse",
    "charge.refund",  # of the dialect's older days: today's SDK asks for refunds only
}  # fmt: skip


@pytest.fixture(scope="module")
def declared() -> list[Operation]:
    return operations()


def test_the_page_is_up_to_date(declared: list[Operation]) -> None:
    assert DIALECT.read_text() == dialect.text(declared), "docs/dialect.md is not what the code says: make contract"


def test_the_hand_written_data_speak_of_what_there_is(declared: list[Operation]) -> None:
    assert not list(dialect.stale(declared))


def test_only_our_own_operations_are_unknown_to_the_sdk(declared: list[Operation]) -> None:
    ours = OWN | {
        operation.name
        for operation in declared
        if operation.resource in ADMINISTRATIVE or operation.path.startswith("/v1/risk/")
    }
    assert {operation.name for operation in declared if sdk.parameters(operation) is None} == ours


def test_every_parameter_of_the_sdk_is_supported_or_refused_by_name(declared: list[Operation]) -> None:
    wrong = {}
    for operation in declared:
        unknown = list(sdk.unknown(operation.params, sdk.parameters(operation) or {}))
        if unknown:
            wrong[operation.name] = unknown
    assert not wrong, "\n".join(f"{name}: {', '.join(params)}" for name, params in wrong.items())


def test_what_the_sdk_may_clear_can_be_cleared(declared: list[Operation]) -> None:
    wrong = {}
    for operation in declared:
        fixed = list(sdk.unclearable(operation.params, sdk.parameters(operation) or {}))
        if fixed:
            wrong[operation.name] = fixed
    assert not wrong, "\n".join(f"{name}: {', '.join(params)}" for name, params in wrong.items())


@pytest.mark.skipif(not LIST.exists(), reason="the list of the SDK's parameters is not beside this repository")
def test_the_older_sdks_parameters_are_known_too(declared: list[Operation]) -> None:
    sets = json.loads(LIST.read_text())["params"]
    by_file = {name: operation for operation in declared for name in sdk.file_names(operation)}
    lacking = [name for name in sets if name not in by_file]
    assert not lacking, f"no operation for {lacking}"
    wrong = {
        name: sorted(set(params) - by_file[name].params.params.keys() - {"expand"}) for name, params in sets.items()
    }
    assert not {name: params for name, params in wrong.items() if params}


def test_the_reader_of_the_sdk_sees_nested_parameters(declared: list[Operation]) -> None:
    created = next(operation for operation in declared if operation.name == "payment_intent.create")
    sent = sdk.parameters(created)
    assert sent is not None and {"amount", "currency", "confirm"} <= sent.keys()
    assert "request_three_d_secure" in sent["payment_method_options"].inner["card"].inner
    assert "amount" in set(sdk.unknown(type(created.params)({}), sent))
