"""What each wrapped key and each record is bound to: its place, so that it cannot serve in another."""

from lockgate.vault import crypto


def record_context(account: str, kind: str, token: str) -> bytes:
    """Associated data of a card or personal record; the format marker is added by `crypto.seal`."""
    return crypto.bind("record", token, account, kind)


def named_context(account: str, name: str) -> bytes:
    """A key that never leaves the vault."""
    return crypto.bind("named key", account, name)


def data_context(account: str, kid: str, *, purpose: str, subject: str) -> bytes:
    """A data key: also bound to whose and what for, so that a relabelled row gives nothing."""
    return crypto.bind("data key", account, kid, purpose, subject)


def sealing_context(kid: str, key_format: str, *, not_before: int, not_after: int) -> bytes:
    """A sealing key: also bound to its dates, so that an edited row cannot prolong it."""
    return crypto.bind("sealing key", kid, key_format, not_before, not_after)
