"""What no program starts with: a table of insecure settings, each refused by its name and none of them shown."""

import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from lockgate.cli import home as homes
from lockgate.kernel import insecure
from lockgate.kernel.config import ConfigError, Home

PROGRAMS = ("gateway", "worker", "vault", "owner", "postgres")


def made(directory: Path, profile: str) -> Home:
    home = Home(directory / "home")
    homes.create(home, profile=profile, passphrase="seven quiet otters" if profile == "production" else None)
    return home


def change(file: Path, **values: Any) -> None:
    """Set values by their dotted names; None removes."""
    content = json.loads(file.read_text())
    for name, value in values.items():
        *path, last = name.split("__")
        place = content
        for part in path:
            place = place.setdefault(part, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("profile", ["sandbox", "production"])
def test_a_home_as_it_is_made_is_fine(tmp_path: Path, profile: str) -> None:
    home = made(tmp_path, profile)
    for program in PROGRAMS:
        insecure.check(home, program)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("profile", "prod", "profile"),
        ("profile", None, "profile"),
        ("debug", True, "debug"),
        ("api__tls", False, "api.tls"),
        ("api__url", "http://pay.example", "api.url"),
        ("cards__url", "http://cards.example", "cards.url"),
        ("simulator__host", "127.0.0.1", "simulator"),
        ("processors__simulator", {"origin": "https://127.0.0.1:1"}, "simulator"),
        ("allow_private_webhooks", True, "allow_private_webhooks"),
    ],
)
def test_production_refuses_what_is_for_trying_out(tmp_path: Path, setting: str, value: Any, told: str) -> None:
    home = made(tmp_path, "production")
    change(home.settings_file, **{setting: value})
    with pytest.raises(ConfigError, match=told):
        insecure.check(home, "gateway")


@pytest.mark.parametrize("profile", ["sandbox", "production"])
@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_a_database_elsewhere_must_prove_who_it_is(tmp_path: Path, profile: str, mode: str) -> None:
    home = made(tmp_path, profile)
    change(home.settings_file, database__sslmode=mode)
    insecure.check(home, "gateway")  # over a Unix socket there is nobody else
    change(home.settings_file, database__host="db.example")
    with pytest.raises(ConfigError, match=r"database\.sslmode"):
        insecure.check(home, "gateway")
    change(home.settings_file, database__sslmode="verify-full")
    insecure.check(home, "gateway")
    change(home.settings_file, database__sslmode=None)
    insecure.check(home, "gateway")


def test_debugging_is_refused_in_the_sandbox_too(tmp_path: Path) -> None:
    home = made(tmp_path, "sandbox")
    change(home.settings_file, debug=True)
    with pytest.raises(ConfigError, match="debug"):
        insecure.check(home, "worker")


def test_an_interpreter_that_tells_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    insecure.check(made(tmp_path / "a", "sandbox"), "gateway")
    with pytest.raises(ConfigError, match="PYTHONASYNCIODEBUG"):
        insecure.check(made(tmp_path / "b", "production"), "gateway")


WEAK = ("", "tiny", "changeme-changeme-changeme", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "password1234567890123", "0" * 64)


@pytest.mark.parametrize("weak", WEAK)
@pytest.mark.parametrize(
    ("program", "setting"),
    [("gateway", "database_password"), ("worker", "vault_key"), ("vault", "callers__gateway"), ("vault", "root__key"),
     ("owner", "admin_token"), ("postgres", "database_password")],
)  # fmt: skip
def test_secrets_that_can_be_guessed_are_refused_and_not_shown(
    tmp_path: Path, program: str, setting: str, weak: str
) -> None:
    home = made(tmp_path, "sandbox")
    change(home.secrets_file(program), **{setting: weak})
    with pytest.raises(ConfigError, match=setting.replace("__", ".")) as refused:
        insecure.check(home, program)
    assert not weak or weak not in str(refused.value)


def test_the_simulators_keys_are_looked_at(tmp_path: Path) -> None:
    home = made(tmp_path, "sandbox")
    insecure.check(home, "simulator")
    change(home.secrets_file("simulator"), api_keys={secrets.token_urlsafe(32): {"label": "x", "signing_key": "test"}})
    with pytest.raises(ConfigError, match=r"api_keys\[0\]\.signing_key"):
        insecure.check(home, "simulator")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
@pytest.mark.parametrize("name", ["secrets/gateway.json", "tls/api.key", "ca/root.key"])
def test_key_files_that_others_can_read_are_refused(tmp_path: Path, name: str, mode: int) -> None:
    home = made(tmp_path, "sandbox")
    file = home.path / name
    file.parent.mkdir(exist_ok=True)
    file.touch()
    file.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        insecure.check(home, "worker")


def test_settings_that_anybody_can_write_are_refused(tmp_path: Path) -> None:
    home = made(tmp_path, "sandbox")
    home.settings_file.chmod(0o666)
    with pytest.raises(ConfigError, match="written by anybody"):
        insecure.check(home, "gateway")


def test_production_wants_a_sealed_root_key(tmp_path: Path) -> None:
    home = made(tmp_path, "production")
    change(home.secrets_file("vault"), root={"provider": "file", "version": 1, "key": secrets.token_hex(32)})
    with pytest.raises(ConfigError, match="root key"):
        insecure.check(home, "vault")
