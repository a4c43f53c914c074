"""The never-arrows hold in the source tree, and each rule turns red when its violation is planted into a copy."""

import shutil
from pathlib import Path

import pytest

import lockgate
from tests.architecture import rules
from tests.architecture.rules import RULES, Tree

SOURCE = Path(lockgate.__file__).parent
# What the clock does for all accounts at once; each returns or changes rows that carry their account with them.
SWEEPS = {
    "gateway/scoring/find.py:scoring_accounts": "the clock measures drift for every account that has scores",
    "gateway/scoring/store.py:forget_drift": "retention is one for all accounts",
    "gateway/scoring/store.py:forget_labels": "retention is one for all accounts",
    "gateway/access/find.py:overdue": "the clock tells each account that is overdue",
    "gateway/audit/find.py:after": "the sealer and the alerts follow the whole log",
    "gateway/audit/find_seals.py:last_seal": "there is one log of all accounts, and it has one end",
    "gateway/audit/find_seals.py:_hashes_of_leaves": "proofs are made of hashes, which are everybody's",
    "gateway/audit/find_spans.py:written_between": "a time means a part of the one log",
    "gateway/audit/find_strays.py:waiting": "how many records wait to be sealed",
    "gateway/audit/find_strays.py:oldest_waiting": "how long the oldest of all waits to be sealed",
    "gateway/audit/store.py:insert_seals": "each seal carries the account of its record",
    "gateway/certificates/find.py:by_thumbprint": "a handshake shows a certificate before anybody says who asks",
    "gateway/certificates/find.py:authorities_named": "whose authority signed is found by its name and its signature",
    "gateway/certificates/find.py:name_is_taken": "handshakes choose among all accounts' authorities by name",
    "gateway/certificates/find.py:key_is_known": "one key has one certificate, whoever asks for it",
    "gateway/certificates/find.py:trusted": "listeners believe what any merchant registered, and ask whose it is later",
    "gateway/certificates/find.py:revoked": "a revocation list names what its issuer signed for everybody",
    "gateway/certificates/find.py:every_certificate": "the operator's inventory is of the whole installation",
    "gateway/certificates/find.py:expiring": "metrics and alerts look at every end ahead",
    "gateway/certificates/store.py:ending": "everybody is warned of an end ahead",
    "gateway/checkout/store.py:page_of": "a shopper knows nothing but the session's id, which nobody can guess",
    "gateway/customers/store.py:unhashed": "customers of an older release get the hashes that searches need",
    "gateway/people/find.py:accounts_of": "a person's own accounts, by her id",
    "gateway/people/find.py:person_by_email": "a person's own accounts, by her address",
    "gateway/people/find.py:invitation_by_secret": "an invited person knows nothing but the link's secret",
    "gateway/people/find_sessions.py:live": "a session's person and her own accounts, by the session's id",
    "gateway/payments/store.py:due_attempts": "recovery takes the attempts that are due, whoever's they are",
    "gateway/payments/store.py:approved_intents": "what was approved is taken by the clock, whoever it belongs to",
    "gateway/payments/store.py:expired_intents": "authorisations expire by the clock",
    "gateway/payments/store.py:wake": "a processor that answers again wakes all that wait for it",
    "gateway/risk/engines/store.py:lease": "the worker tells the engines of all accounts what is due",
    "gateway/risk/store_puzzles.py:clear_used": "used puzzles are forgotten by age",
    "gateway/settlement/store.py:due": "money becomes available by the clock",
    "gateway/storage/business_time.py:ahead": "the furthest of all test clocks bounds what can be due",
    "gateway/storage/idempotency.py:purge": "keys are forgotten by age",
    "gateway/velocity/store.py:newest": "how far the attempts of all accounts have come",
    "gateway/risk/store_settings.py:forget_decisions": "retention: decisions are forgotten by their age alone",
    "gateway/velocity/store.py:busy_keys": "which keys are used much: each row carries its own account",
    "gateway/velocity/store.py:forget_differences": "differences are forgotten by age",
    "gateway/velocity/store.py:forget_counts": "counts are forgotten by age",
    "gateway/velocity/store.py:forget_edges": "what was folded is forgotten by age",
    "gateway/velocity/store.py:forget_pairs": "others are forgotten by age",
    "gateway/velocity/store.py:forget_keys": "keys are forgotten by age",
    "gateway/velocity/store.py:forget_attempts": "attempts are forgotten by age, each into its own account's keys",
    "gateway/web/store_limits.py:count_watched": "what all rules that only watch have seen is added at once",
    "gateway/web/store_limits.py:forget_traffic": "recorded traffic is forgotten by age",
    "gateway/webhooks/store.py:lease": "deliveries are taken when they are due",
    "gateway/notifications/store.py:purge": "messages are forgotten by age",
    "gateway/alerts/find.py:gained": "the engine reads the audit log of all accounts, each record into its own alerts",
    "gateway/alerts/store.py:end_quiet": "alerts end by the clock",
    "gateway/alerts/store.py:purge_windows": "what is too old to count is forgotten by age",
    "gateway/alerts/store_delivery.py:owners_due": "letters to owners are due by the clock, whatever their account",
    "gateway/alerts/store.py:forget": "places and resolved alerts are forgotten by age",
    "gateway/web/find_metrics.py:queues": "metrics are the installation's: how much waits, of all accounts",
    "gateway/web/find_metrics.py:open_alerts": "metrics are the installation's: how many alerts, of all accounts",
    "gateway/web/find_metrics.py:endings": "metrics are the installation's: which certificate is the first to end",
    "gateway/ledger/store.py:fold": "deltas are folded by number, each into its own account",
    "gateway/oauth/store.py:revoke_grants_of_app": "an app is deleted: what people of any account let it do ends",
    "gateway/oauth/store_tokens.py:forget_requests": "authorization requests are forgotten by age",
    "gateway/oauth/store_tokens.py:forget_codes": "codes are forgotten by age",
    "gateway/oauth/store_tokens.py:forget_refresh_tokens": "refresh tokens are forgotten by age",
    "gateway/oauth/store_tokens.py:forget_sessions": "sessions of apps are forgotten by age",
    "gateway/oauth/store_tokens.py:forget_ended_tokens": "what ended a token is forgotten when it would be over anyhow",
    "gateway/people/find_holdings.py:roles_of": "a person belongs to several accounts; each row carries its own",
}

# For each rule: where a line is planted, and the line. A new file is made where none is.
PLANTED = [
    ("rooms_look_down", "gateway/ledger/accounts.py", "from lockgate.gateway.web.limits import Limits\n"),
    ("rooms_look_down", "gateway/storage/database.py", "from lockgate.gateway.identity.find import keys\n"),
    ("rooms_look_down", "gateway/cellar/dig.py", '"""A room without a floor."""\n'),
    ("pure_files_stay_pure", "gateway/identity/core/key_format.py", "import secrets\n"),
    ("pure_files_stay_pure", "gateway/identity/core/key_format.py", "from lockgate.kernel import clock\n"),
    ("pure_files_stay_pure", "gateway/identity/core/key_format.py", "from lockgate.kernel.ids import new_id\n"),
    ("pure_files_stay_pure", "kernel/params.py", "import os\n"),
    ("pure_files_stay_pure", "gateway/processors/simulator.py", "import socket\n"),
    ("pure_files_stay_pure", "kernel/money.py", "open('/etc/passwd')\n"),
    ("private_files_stay_private", "gateway/web/limits.py", "from lockgate.gateway.identity import store\n"),
    ("private_files_stay_private", "gateway/identity/api.py", "from lockgate.gateway.identity import store\n"),
    ("sql_stands_in_its_places", "gateway/web/limits.py", "import asyncpg\n"),
    ("sql_stands_in_its_places", "gateway/web/limits.py", 'Q = "select 1 from account where id = $1"\n'),
    (
        "sql_stands_in_its_places",
        "gateway/identity/store.py",
        'def f(x):\n    return f"select * from account where id = {x}"\n',
    ),
    ("sql_stands_in_its_places", "gateway/identity/store.py", 'def f(c, x):\n    return c.fetch(f"{x}")\n'),
    ("statements_bind_the_account", "gateway/identity/find.py", 'Q = "select id from api_key where hash = $1"\n'),
    ("statements_bind_the_account", "gateway/identity/store.py", 'Q = "update charge set status = $2 where id = $1"\n'),
    ("statements_bind_the_account", "gateway/identity/store.py", 'Q = "delete from customer " + "where id = $1"\n'),
    (
        "only_named_files_call_out",
        "gateway/web/limits.py",
        "async def f():\n    await asyncio.open_connection('x', 1)\n",
    ),
    ("only_named_files_call_out", "gateway/payments/send.py", "def f():\n    return aiohttp.ClientSession()\n"),
    ("programs_keep_apart", "gateway/web/limits.py", "from lockgate.vault import crypto\n"),
    ("programs_keep_apart", "vault/crypto.py", "from lockgate.gateway.web import limits\n"),
    ("programs_keep_apart", "cli/postgres.py", "import lockgate.simulator.server\n"),
    ("programs_keep_apart", "kernel/money.py", "from lockgate.gateway.web import limits\n"),
    ("time_environment_and_logs_have_one_place", "gateway/web/limits.py", "import time\n"),
    ("time_environment_and_logs_have_one_place", "vault/crypto.py", "import datetime\nN = datetime.now()\n"),
    ("time_environment_and_logs_have_one_place", "vault/crypto.py", "import os\nN = os.environ\n"),
    ("time_environment_and_logs_have_one_place", "gateway/web/limits.py", "import logging\n"),
    ("time_environment_and_logs_have_one_place", "gateway/web/limits.py", "print('hello')\n"),
    ("imports_are_absolute_and_at_the_top", "gateway/web/limits.py", "def f():\n    import json\n"),
    ("imports_are_absolute_and_at_the_top", "gateway/web/limits.py", "from . import errors\n"),
    ("imports_are_absolute_and_at_the_top", "gateway/web/__init__.py", "X = 1\n"),
    ("no_import_cycles", "kernel/errors.py", "from lockgate.kernel.params import Text\n"),
    ("files_are_small_named_and_introduced", "gateway/web/utils.py", '"""What it is for."""\n'),
    ("files_are_small_named_and_introduced", "gateway/web/silent.py", "X = 1\n"),
    ("files_are_small_named_and_introduced", "gateway/web/limits.py", "# long\n" * 501),
]


def violations(name: str, tree: Tree) -> list[str]:
    if name == "statements_bind_the_account":
        return list(rules.statements_bind_the_account(tree, exempt=SWEEPS))
    return list(getattr(rules, name)(tree))


@pytest.fixture(scope="module")
def whole() -> Tree:
    return Tree.read(SOURCE)


@pytest.mark.parametrize("name", [rule.__name__ for rule in RULES])
def test_the_tree_keeps_the_rule(name, whole):
    assert violations(name, whole) == []


@pytest.mark.parametrize(("name", "path", "line"), PLANTED)
def test_a_planted_violation_turns_the_rule_red(name, path, line, tmp_path):
    copy = tmp_path / "lockgate"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "static", "*.sql"))
    before = violations(name, Tree.read(copy))
    file = copy / path
    file.parent.mkdir(parents=True, exist_ok=True)
    text = file.read_text() if file.exists() else ""
    file.write_text(text + "\n" + line if text else line)
    planted = [found for found in violations(name, Tree.read(copy)) if found not in before]
    assert planted, f"{name} did not see {line!r} in {path}"


def test_every_rule_has_a_planted_violation():
    assert {name for name, _, _ in PLANTED} == {rule.__name__ for rule in RULES}


def test_every_named_sweep_exists(whole):
    found = {
        f"{source.path}:{rules._function_at(source, line)}"
        for source in whole.files
        for _, line in rules.statements(source)
    }
    assert set(SWEEPS) <= found


def test_tenant_tables_are_those_of_the_migrations():
    import re

    text = "".join(file.read_text() for file in sorted((SOURCE / "gateway" / "migrations").glob("*.sql")))
    created = re.findall(r"create table (\w+) \(\s*(?:seq[^\n]*\n\s*)?account text not null", text)
    assert set(created) == set(rules.TENANT_TABLES)
