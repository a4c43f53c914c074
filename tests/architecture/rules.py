"""The never-arrows as functions over a source tree: each yields one sentence for each thing that must not be."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

LONGEST_FILE = 500
ROOMS = (  # the gateway's, top floor first; rooms of one tuple are neighbours and do not know each other
    ("web",),
    ("portal",),
    ("invariants",),
    ("webhooks",),
    ("checkout",),
    ("settlement",),
    ("disputes",),
    ("payments",),
    ("customers",),
    ("risk",),
    ("scoring",),
    ("rules",),
    ("velocity",),
    ("signals",),
    ("geography",),
    ("notifications",),
    ("processors",),
    ("ledger",),
    ("alerts",),
    ("access",),
    ("approvals",),
    ("oauth",),
    ("people",),
    ("factors",),
    ("certificates",),
    ("identity",),
    ("mail",),
    ("pages",),
    ("audit",),
    ("vaultlink",),
    ("storage",),
)
FLOOR = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
PURE_KERNEL = {
    "card_ranges",
    "errors",
    "jws",
    "luhn",
    "merkle",
    "money",
    "notes",
    "operations",
    "orders",
    "params",
    "principal",
    "puzzle",
    "search",
    "shapes",
    "source",
    "testcards",
    "wire",
}
PURE_FILES = {
    "gateway/storage/rows.py",
    "gateway/storage/records.py",
    "gateway/ledger/accounts.py",
    "gateway/ledger/transfers.py",
    "gateway/ledger/dispute_transfers.py",
    "gateway/ledger/payout_transfers.py",
}
IMPURE_MODULES = {
    "asyncio",
    "asyncpg",
    "aiohttp",
    "http.client",
    "httptools",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "socketserver",
    "sqlite3",
    "ssl",
    "structlog",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "uvicorn",
    "uvloop",
}
PRIVATE = {"store", "api", "jobs"}
COLLECTORS = ("gateway/web/", "gateway/boot")  # web and boot collect api and jobs
DRIVERS = {"asyncpg", "psycopg", "psycopg2", "sqlite3", "sqlalchemy"}
# The driver's places, and where SQL may stand. Others are named one by one, with the reason.
SQL_PLACES = re.compile(
    r"gateway/storage/|(^|/)store(_[a-z]+)?\.py$|(^|/)find(_[a-z]+)?\.py$|vault/(key)?store\.py$|cli/postgres\.py$"
)
DRIVER_PLACES = re.compile(
    r"gateway/storage/|vault/(key)?store\.py$|vault/server\.py$|cli/"
)  # server: makes the vault's pool
OUTGOING = {
    "vault/forward.py",
    "gateway/webhooks/deliver.py",
    "gateway/webhooks/dial.py",
    "gateway/mail/smtp.py",
    "gateway/alerts/syslog.py",
    "gateway/vaultlink/client.py",
    "gateway/storage/poke.py",
    "gateway/web/limits_redis.py",
    "gateway/sandbox.py",
    "simulator/notify.py",  # the outside itself: what it tells the gateway
    "simulator/shoppers/door.py",  # and the shoppers who come to it
}
CALLS_OUT = {
    "create_connection",
    "create_unix_connection",
    "open_connection",
    "open_unix_connection",
    "ClientSession",
    "TCPConnector",
    "UnixConnector",
    "HTTPSConnection",
    "HTTPConnection",
    "urlopen",
    "sock_connect",
    "connect_ex",
    "BlockingConnectionPool",
    "from_url",
    "create_datagram_endpoint",
    "SMTP",
    "SMTP_SSL",
}
TIME_CALLS = {("time", "*"), ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}
BANNED_NAMES = {"service", "services", "utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
SQL_START = re.compile(
    r"^\s*(select\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\(|create\s+(table|index|role|schema|database)|alter\s+|drop\s+|grant\s|revoke\s+)",
    re.IGNORECASE,
)
SQL_METHODS = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor", "prepare"}
TENANT_TABLES = (
    "api_key",
    "customer",
    "payment_method",
    "payment_intent",
    "setup_intent",
    "attempt",
    "charge",
    "refund",
    "balance_transaction",
    "transfer",
    "balance_delta",
    "balance",
    "event",
    "outbox",
    "webhook_endpoint",
    "delivery",
    "delivery_attempt",
    "audit",
    "audit_seal",
    "idempotency",
    "processor_setting",
    "setup_attempt",
    "mandate",
    "card_token",
    "checkout_session",
    "dispute",
    "early_fraud_warning",
    "review",
    "payout",
    "payout_line",
    "payout_schedule",
    "value_list",
    "value_list_item",
    "test_clock",
    "notification",
    "notification_cursor",
    "membership",
    "invitation",
    "client_certificate",
    "certificate_requirement",
    "rate_limit",
    "address_rule",
    "traffic",
    "approval",
    "approval_policy",
    "custom_role",
    "access_review",
    "access_review_item",
    "access_review_notice",
    "app",
    "app_grant",
    "app_session",
    "app_code",
    "app_refresh",
    "app_request",
    "app_ended_token",
    "alert",
    "alert_window",
    "alert_rule",
    "alert_route",
    "alert_silence",
    "alert_delivery",
    "known_address",
    "risk_rule",
    "risk_rule_version",
    "risk_ruleset",
    "known_country",
    "risk_decision",
    "risk_setting",
    "risk_engine",
    "risk_engine_notice",
    "risk_event",
    "risk_use",
    "risk_count",
    "risk_folded",
    "risk_pair",
    "risk_key",
    "risk_session",
    "risk_label",
    "risk_fraud",
    "risk_model",
    "risk_drift",
    "puzzle_used",
    "typing_profile",
    "collector_setting",
)
_TABLE = re.compile(r"\b(?:from|join|into|update)\s+(" + "|".join(TENANT_TABLES) + r")\b", re.IGNORECASE)
_BINDS = re.compile(
    r"\baccount\b\s*(?:=\s*(?:any\s*\()?\$\d|in\s*\()|\(\s*account\s*,|\baccount\s*=\s*\w+\.account\b", re.IGNORECASE
)


@lru_cache(maxsize=2_000)
def _parsed(text: str) -> ast.Module:
    """A copy of the tree differs from it in one file: the others are read once."""
    return ast.parse(text)


@dataclass(frozen=True)
class Source:
    """One file of the tree, its path as in ``gateway/web/app.py``."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text)

    @property
    def module(self) -> str:
        parts = self.path.removesuffix(".py").removesuffix("/__init__")
        return "lockgate." + parts.replace("/", ".") if parts != "__init__" else "lockgate"

    @property
    def room(self) -> str | None:
        parts = self.path.split("/")
        return parts[1] if parts[0] == "gateway" and len(parts) > 2 else None

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every imported module or name, dotted, with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, node.lineno
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield f"{'.' * node.level}{node.module or ''}.{alias.name}", node.lineno


@dataclass(frozen=True)
class Tree:
    """All Python files of ``src/lockgate``."""

    files: tuple[Source, ...]

    @classmethod
    def read(cls, root: Path) -> "Tree":
        found = sorted(root.rglob("*.py"))
        return cls(tuple(Source(str(file.relative_to(root)), file.read_text()) for file in found))

    @cached_property
    def modules(self) -> dict[str, Source]:
        return {source.module: source for source in self.files}

    def target(self, imported: str) -> Source | None:
        """The file of this tree that an import means: the module itself, or the one that holds the name."""
        if imported in self.modules and not self.modules[imported].path.endswith("__init__.py"):
            return self.modules[imported]
        holder = self.modules.get(imported.rpartition(".")[0])
        return holder if holder and not holder.path.endswith("__init__.py") else None


def rooms_look_down(tree: Tree) -> Iterator[str]:
    """1: a room never imports a room above or beside it."""
    for source in tree.files:
        if source.room is None:
            continue
        if source.room not in FLOOR:
            yield f"{source.path}: the room {source.room} has no floor in this test"
            continue
        for imported, line in source.imports():
            other = tree.target(imported)
            if other is None or other.room == source.room:
                continue
            if other.path.startswith("gateway/") and (
                other.room is None or FLOOR.get(other.room, -1) <= FLOOR[source.room]
            ):
                yield f"{source.path}:{line} looks up or sideways to {other.path}"


def _is_pure(source: Source) -> bool:
    parts = source.path.split("/")
    if source.path in PURE_FILES:
        return True
    if parts[0] == "kernel":
        return parts[1].removesuffix(".py") in PURE_KERNEL
    if source.path.startswith("gateway/alerts/rules/"):
        return True
    return "core" in parts or (source.room == "processors" and parts[-1] not in ("registry.py", "__init__.py"))


def pure_files_stay_pure(tree: Tree) -> Iterator[str]:
    """2: core/, pure kernel files and processor files touch nothing that is not pure, nor a file that does."""
    for source in tree.files:
        if not _is_pure(source):
            continue
        for imported, line in source.imports():
            top = imported.split(".")[0]
            if imported.startswith("lockgate."):
                other = tree.target(imported)
                if other is not None and not _is_pure(other):
                    yield f"{source.path}:{line} is pure but imports {other.path}"
            elif top in IMPURE_MODULES or imported.rpartition(".")[0] in IMPURE_MODULES:
                yield f"{source.path}:{line} is pure but imports {imported}"
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("open", "print", "input")
            ):
                yield f"{source.path}:{node.lineno} is pure but calls {node.func.id}"


def private_files_stay_private(tree: Tree) -> Iterator[str]:
    """3: store, api and jobs belong to their room; api never touches store."""
    for source in tree.files:
        for imported, line in source.imports():
            other = tree.target(imported)
            if other is None or other.room is None:
                continue
            name = other.path.rpartition("/")[2].removesuffix(".py").partition("_")[0]
            if name not in PRIVATE or other.room == "storage":
                continue
            collects = source.path.startswith(COLLECTORS) and name != "store"
            if other.room != source.room and not collects and not source.path.startswith("cli/"):
                yield f"{source.path}:{line} reaches into {other.path}"
            is_api = source.path.rpartition("/")[2].startswith("api")
            if name == "store" and is_api:
                yield f"{source.path}:{line} is an api and touches {other.path}"


def sql_stands_in_its_places(tree: Tree) -> Iterator[str]:
    """4: the driver only in storage and the vault's store; SQL only in its files, and never built at run time."""
    for source in tree.files:
        driver_here, sql_here = bool(DRIVER_PLACES.search(source.path)), bool(SQL_PLACES.search(source.path))
        for imported, line in source.imports():
            if imported.split(".")[0] in DRIVERS and not driver_here:
                yield f"{source.path}:{line} imports a database driver"
        for text, line in statements(source):
            if not sql_here:
                yield f"{source.path}:{line} holds SQL: {text[:40]!r}"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.JoinedStr):
                first = node.values[0] if node.values else None
                if (
                    isinstance(first, ast.Constant)
                    and SQL_START.match(str(first.value))
                    and _looks_sql(str(first.value))
                ):
                    yield f"{source.path}:{node.lineno} builds SQL at run time"
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in SQL_METHODS
                and node.args
                and isinstance(node.args[0], ast.JoinedStr)
            ):
                yield f"{source.path}:{node.lineno} builds SQL at run time"


def _looks_sql(text: str) -> bool:
    return bool(re.search(r"\b(from|into|set|table|values|where|on|to)\b", text, re.IGNORECASE))


def statements(source: Source) -> Iterator[tuple[str, int]]:
    """The literals that read as SQL, docstrings aside; implicit and ``+`` concatenations count as one."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inside: set[int] = set()
    for node in ast.walk(source.tree):
        if id(node) in inside:
            continue
        text = _joined(node)
        if text is None or id(node) in docstrings:
            continue
        inside |= {id(part) for part in ast.walk(node)}
        if SQL_START.match(text) and _looks_sql(text) and "\n\n" not in text:
            yield " ".join(text.split()), node.lineno  # type: ignore[attr-defined] - an expression has a line


def _joined(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _joined(node.left), _joined(node.right)
        if left is None and right is None:
            return None
        return (left or " ? ") + (right or " ? ")
    return None


def statements_bind_the_account(tree: Tree, *, exempt: Iterable[str] = ()) -> Iterator[str]:
    """Each statement on a tenant table says whose rows; the clock's sweeps over all accounts are named one by one."""
    allowed = set(exempt)
    for source in tree.files:
        if not source.path.startswith("gateway/") or not SQL_PLACES.search(source.path):
            continue
        for text, line in statements(source):
            if _TABLE.search(text) and not _BINDS.search(text):
                name = f"{source.path}:{_function_at(source, line)}"
                if name not in allowed:
                    yield f"{source.path}:{line} ({name}) reads or writes tenant rows without binding the account"


def _function_at(source: Source, line: int) -> str:
    best = ""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            best = node.name
    return best


def only_named_files_call_out(tree: Tree) -> Iterator[str]:
    """5: outgoing sockets only in named files (the command line asks its own programs, and is no program itself)."""
    for source in tree.files:
        if source.path in OUTGOING or source.path.startswith("cli/"):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in CALLS_OUT:
                    yield f"{source.path}:{node.lineno} opens an outgoing connection ({name})"


def programs_keep_apart(tree: Tree) -> Iterator[str]:
    """6: gateway and vault never import each other, nor anybody the simulator; kernel imports none of them.

    The simulated shoppers, who are customers of the API and no processor, are played by the command line.
    """
    for source in tree.files:
        program = source.path.split("/")[0]
        for imported, line in source.imports():
            parts = imported.split(".")
            if parts[0] != "lockgate" or len(parts) < 2 or parts[1] == program:
                continue
            forbidden = {
                "gateway": {"vault", "simulator", "cli"},
                "vault": {"gateway", "simulator", "cli"},
                "simulator": {"gateway", "vault", "cli"},
                "kernel": {"gateway", "vault", "simulator", "cli"},
                "cli": {"simulator"},
            }.get(program, set())
            shops = program == "cli" and parts[1:3] == ["simulator", "shoppers"]
            if parts[1] in forbidden and not shops:
                yield f"{source.path}:{line} imports {imported}"


def time_environment_and_logs_have_one_place(tree: Tree) -> Iterator[str]:
    """7: only kernel/clock reads time, only kernel/config the environment, only kernel/log writes logs."""
    for source in tree.files:
        for imported, line in source.imports():
            top = imported.split(".")[0]
            if top == "time" and source.path != "kernel/clock.py":
                yield f"{source.path}:{line} reads time"
            if top in ("logging", "structlog") and source.path != "kernel/log.py":
                yield f"{source.path}:{line} imports {top}"
            if imported in ("os.environ", "os.getenv", "os.environb") and source.path != "kernel/config.py":
                yield f"{source.path}:{line} reads the environment"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                pair = (node.value.id, node.attr)
                if pair in TIME_CALLS and source.path != "kernel/clock.py":
                    yield f"{source.path}:{node.lineno} reads time"
                if (
                    pair[0] == "os"
                    and pair[1] in ("environ", "getenv", "environb")
                    and source.path != "kernel/config.py"
                ):
                    yield f"{source.path}:{node.lineno} reads the environment"
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "print"
                and not source.path.startswith("cli/")
            ):
                yield f"{source.path}:{node.lineno} prints"


def imports_are_absolute_and_at_the_top(tree: Tree) -> Iterator[str]:
    """8: imports are absolute and at the top; ``__init__.py`` files are empty."""
    for source in tree.files:
        if source.path.endswith("__init__.py"):
            if source.text.strip():
                yield f"{source.path} is not empty"
            continue
        top_level = {id(node) for node in source.tree.body}
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in top_level:
                yield f"{source.path}:{node.lineno} imports below the top"
            if isinstance(node, ast.ImportFrom) and node.level:
                yield f"{source.path}:{node.lineno} imports relatively"


def no_import_cycles(tree: Tree) -> Iterator[str]:
    """No file imports itself, by however many others."""
    edges = {
        source.path: {
            other.path
            for imported, _ in source.imports()
            if (other := tree.target(imported)) is not None and other.path != source.path
        }
        for source in tree.files
    }
    done: set[str] = set()

    def visit(path: str, trail: list[str]) -> Iterator[str]:
        if path in trail:
            yield " -> ".join([*trail[trail.index(path) :], path])
            return
        if path in done:
            return
        for other in sorted(edges.get(path, ())):
            yield from visit(other, [*trail, path])
        done.add(path)

    for path in sorted(edges):
        yield from visit(path, [])


def files_are_small_named_and_introduced(tree: Tree) -> Iterator[str]:
    """Every file opens with one sentence, stays readable in one sitting, and is named for what it does."""
    for source in tree.files:
        if source.path.endswith("__init__.py"):
            continue
        if not (ast.get_docstring(source.tree) or "").strip():
            yield f"{source.path} does not say what it is for"
        lines = source.text.count("\n")
        if lines > LONGEST_FILE:
            yield f"{source.path} has {lines} lines"
        for part in source.path.removesuffix(".py").split("/"):
            if part in BANNED_NAMES:
                yield f"{source.path} is named {part}"


RULES = (
    rooms_look_down,
    pure_files_stay_pure,
    private_files_stay_private,
    sql_stands_in_its_places,
    statements_bind_the_account,
    only_named_files_call_out,
    programs_keep_apart,
    time_environment_and_logs_have_one_place,
    imports_are_absolute_and_at_the_top,
    no_import_cycles,
    files_are_small_named_and_introduced,
)
