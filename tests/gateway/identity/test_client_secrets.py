"""Client secrets: bound to one account and one intent, and long enough."""

import pytest

from lockgate.gateway.identity.client_secrets import ClientSecrets


def test_a_secret_opens_its_own_intent_only():
    secrets = ClientSecrets(b"k" * 32)
    secret = secrets.of("acct_a", "pi_1")
    assert secret.startswith("pi_1_secret_")
    assert len(secret.removeprefix("pi_1_secret_")) * 5.95 >= 128
    assert secrets.matches("acct_a", "pi_1", secret)
    assert not secrets.matches("acct_b", "pi_1", secret)
    assert not secrets.matches("acct_a", "pi_2", secret)
    assert not ClientSecrets(b"l" * 32).matches("acct_a", "pi_1", secret)
    assert not secrets.matches("acct_a", "pi_1", secret + "é")


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        ClientSecrets(b"short")
