"""Orders to the vault say what they need, ask before they destroy, and name a vault that is not there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lockgate.cli import erase, keyring
from lockgate.kernel.config import ConfigError, Home
from tests.cli.standing import make


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make(tmp_path / "home")


def _refusal(app: object, *words: str, answer: str = "") -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], input=answer)  # type: ignore[arg-type]
    assert isinstance(result.exception, ConfigError), result.output
    return str(result.exception)


def test_rotate_wants_one_key_named(home: Home) -> None:
    where = ("--home", str(home.path))
    assert "whose key" in _refusal(keyring.app, "rotate", *where)
    assert "whose key" in _refusal(keyring.app, "rotate", "--platform", "--account", "acct_1", *where)


@pytest.mark.parametrize("words", [["status"], ["rewrap"], ["rotate", "--platform"]])
def test_a_vault_that_is_not_there_is_one_line(home: Home, words: list[str]) -> None:
    assert "start it with 'lockgate up" in _refusal(keyring.app, *words, "--home", str(home.path))


def test_erase_asks_first(home: Home) -> None:
    where = ("--home", str(home.path))
    assert _refusal(erase.app, "cus_1", *where, answer="n\n") == "nothing was erased"
    assert "Lockgate does not run here" in _refusal(erase.app, "cus_1", *where, answer="y\n"), "only then it is asked"
