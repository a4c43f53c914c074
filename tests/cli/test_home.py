"""Making a home: what is written, for whom, and what is refused."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from lockgate.cli import home as homes
from lockgate.cli import listeners
from lockgate.kernel.config import ConfigError, Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "h")


def test_a_sandbox_home_is_whole(home: Home) -> None:
    homes.create(home, profile="sandbox", passphrase=None)
    settings = home.settings()
    assert settings["profile"] == "sandbox"
    assert settings["account"].startswith("acct_")
    assert settings["api"] == {"host": "127.0.0.1", "port": 8443, "url": "https://127.0.0.1:8443", "tls": True}
    assert settings["allow_private_webhooks"] is False
    assert homes.is_embedded(settings)
    assert home.secrets("vault")["root"]["provider"] == "file"
    for file in (home.path / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(home.settings_file.stat().st_mode) == 0o644


def test_each_program_gets_its_own_secrets_and_both_ends_agree(home: Home) -> None:
    homes.create(home, profile="sandbox", passphrase=None)
    names = ("owner", "gateway", "worker", "vault", "reporting", "backup", "sealer", "postgres")
    secrets = {name: home.secrets(name) for name in names}
    passwords = {content["database_password"] for content in secrets.values()}
    assert len(passwords) == len(names)
    callers = secrets["vault"]["callers"]
    assert callers == {
        "gateway": secrets["gateway"]["vault_key"],
        "worker": secrets["worker"]["vault_key"],
        "admin": secrets["owner"]["admin_key"],
    }
    assert len({*callers.values()}) == 3
    assert all(len(bytes.fromhex(key)) == 32 for key in callers.values())
    simulator = home.secrets("simulator")
    assert simulator["admin_token"] == secrets["owner"]["admin_token"]
    account = home.settings()["account"]
    holders = simulator["api_keys"].values()
    assert sorted(holder["label"] for holder in holders) == [f"{account}:live", f"{account}:test"]
    signing = {holder[name] for holder in holders for name in ("signing_key", "notification_key")}
    keys = {*simulator["api_keys"], *signing}
    assert len(keys) == 6 and all(len(key) >= 32 for key in keys)


def test_no_secret_stands_in_the_public_settings(home: Home) -> None:
    homes.create(home, profile="sandbox", passphrase=None)
    public = home.settings_file.read_text()

    def values(node: object) -> list[str]:
        if isinstance(node, dict):
            return [leaf for value in node.values() for leaf in values(value)]
        return [str(node)] if len(str(node)) >= 16 else []

    for file in (home.path / "secrets").iterdir():
        for value in values(json.loads(file.read_text())):
            assert value not in public or value.startswith(home.settings()["account"])


def test_an_existing_home_is_never_touched(home: Home) -> None:
    homes.create(home, profile="sandbox", passphrase=None)
    before = {file: file.read_bytes() for file in home.path.rglob("*") if file.is_file()}
    with pytest.raises(ConfigError, match="is already a Lockgate home: start it with"):
        homes.create(home, profile="sandbox", passphrase=None)
    assert {file: file.read_bytes() for file in home.path.rglob("*") if file.is_file()} == before


def test_a_database_without_settings_is_not_given_new_secrets(home: Home) -> None:
    (home.path / "pgdata").mkdir(parents=True)
    with pytest.raises(ConfigError, match="holds a database but no settings"):
        homes.create(home, profile="sandbox", passphrase=None)


def test_production_needs_a_passphrase_and_has_no_simulator(home: Home) -> None:
    with pytest.raises(ConfigError, match="--passphrase-fd"):
        homes.create(home, profile="production", passphrase=None)
    assert not home.path.exists()
    homes.create(home, profile="production", passphrase="correct horse battery staple")
    assert "simulator" not in home.settings()
    assert home.settings()["processors"] == {}
    assert not home.secrets_file("simulator").exists()
    assert home.secrets("vault")["root"]["provider"] == "passphrase"
    for file in home.path.rglob("*"):
        assert not file.is_file() or "correct horse" not in file.read_text()


def test_an_unknown_profile_is_refused(home: Home) -> None:
    with pytest.raises(ConfigError, match="sandbox, production"):
        homes.create(home, profile="staging", passphrase=None)


@pytest.mark.parametrize(
    ("given", "read"), [(b"twelve letters\n", "twelve letters"), (b" spaces stay ", " spaces stay ")]
)
def test_a_passphrase_is_read_from_a_descriptor(given: bytes, read: str) -> None:
    reading, writing = os.pipe()
    os.write(writing, given)
    os.close(writing)
    assert homes.read_passphrase(reading) == read


def test_a_closed_or_empty_passphrase_descriptor_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not open"):
        homes.read_passphrase(987)
    reading, writing = os.pipe()
    os.close(writing)
    with pytest.raises(ConfigError, match="must have 1 to"):
        homes.read_passphrase(reading)


def test_sockets_move_to_a_short_directory_when_the_home_is_deep(tmp_path: Path) -> None:
    home = Home(tmp_path / ("deep" * 25))
    homes.create(home, profile="sandbox", passphrase=None)
    settings = home.settings()
    run_dir = Path(settings["run_dir"])
    assert not run_dir.is_relative_to(home.path)
    assert len(str(run_dir / "pg" / ".s.PGSQL.5432")) <= 100
    run_dir.rmdir()
    again = homes.keep_run_dir(home, settings)
    assert again.is_dir() and again != run_dir
    assert homes.is_embedded(settings), "the database moves with it"
    again.rmdir()


@pytest.fixture
def settings(home: Home) -> dict:
    homes.create(home, profile="sandbox", passphrase=None)
    return home.settings()


def test_ports_are_chosen_once_and_kept(settings: dict) -> None:
    listeners.choose(settings, listen="127.0.0.1:0", insecure=False)
    ports = [settings[name]["port"] for name in ("api", "cards", "simulator")]
    assert len(set(ports)) == 3 and all(ports)
    assert settings["processors"]["simulator"]["origin"] == settings["simulator"]["url"]
    listeners.choose(settings, listen=None, insecure=False)
    assert [settings[name]["port"] for name in ("api", "cards", "simulator")] == ports


def test_a_taken_address_is_refused_for_the_api_and_evaded_by_the_others(settings: dict) -> None:
    listeners.choose(settings, listen="127.0.0.1:0", insecure=False)
    taken = socket.create_server(("127.0.0.1", settings["api"]["port"]))
    with taken, pytest.raises(ConfigError, match="choose another address with --listen"):
        listeners.choose(settings, listen=None, insecure=False)
    cards = settings["cards"]["port"]
    with socket.create_server(("127.0.0.1", cards)):
        listeners.choose(settings, listen=None, insecure=False)
    assert settings["cards"]["port"] != cards


@pytest.mark.parametrize("listen", ["8443", "127.0.0.1", ":1", "127.0.0.1:99999", "127.0.0.1:http"])
def test_a_malformed_listen_address_is_refused(settings: dict, listen: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        listeners.choose(settings, listen=listen, insecure=False)


def test_plain_http_is_for_loopback_in_the_sandbox_alone(settings: dict) -> None:
    listeners.choose(settings, listen="127.0.0.1:0", insecure=True)
    assert settings["api"]["url"].startswith("http://127.0.0.1:")
    assert settings["api"]["tls"] is False
    listeners.choose(settings, listen=None, insecure=False)
    assert settings["api"]["tls"] is True, "it holds for one start only"
    for address in ("0.0.0.0:0", "192.0.2.7:0", "example.test:0"):
        with pytest.raises(ConfigError, match="loopback addresses only"):
            listeners.choose(settings, listen=address, insecure=True)
    settings["profile"] = "production"
    with pytest.raises(ConfigError, match="refused outside the sandbox"):
        listeners.choose(settings, listen="127.0.0.1:0", insecure=True)


def test_ipv6_addresses_are_bracketed() -> None:
    assert listeners.parse("[::1]:8443") == ("::1", 8443)
    assert homes.url("::1", 8443, tls=True) == "https://[::1]:8443"
    assert homes.url("0.0.0.0", 80, tls=False) == "http://127.0.0.1:80"


def test_a_passphrase_that_is_no_text_is_refused_and_not_repeated() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a secret \xff\xfe of bytes")
    os.close(writing)
    with pytest.raises(ConfigError, match="must be text in UTF-8") as refused:
        homes.read_passphrase(reading)
    assert "secret" not in str(refused.value)
