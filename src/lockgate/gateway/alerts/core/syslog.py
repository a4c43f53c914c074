"""An alert as a syslog message (RFC 5424), framed for a stream by its length (RFC 6587, 5425). Pure."""

import re
from datetime import UTC, datetime

_FACILITY = 13  # log audit
_SEVERITIES = {"critical": 2, "high": 3, "medium": 4, "low": 5}
_SD_ID = "lockgate@32473"  # the private enterprise number that RFC 5612 leaves for software without its own
_NAME = re.compile(r"[^!-~]")


def message(alert: str, *, rule: str, account: str, severity: str, host: str, at: int, text: str) -> bytes:
    """One message. ``text`` may hold what strangers sent: line breaks and control characters are taken out."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    priority = _FACILITY * 8 + _SEVERITIES[severity]
    values = {"alert": alert, "rule": rule, "account": account, "severity": severity}
    data = " ".join(f'{name}="{_escaped(value)}"' for name, value in values.items())
    head = (
        f"<{priority}>1 {stamp} {_NAME.sub('-', host)[:255]} lockgate - {_NAME.sub('-', rule)[:32]} [{_SD_ID} {data}] "
    )
    return head.encode("ascii", "replace") + b"\xef\xbb\xbf" + _plain(text).encode()


def framed(content: bytes) -> bytes:
    """``content`` after its length in octets, as streams carry it."""
    return str(len(content)).encode() + b" " + content


def _escaped(value: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", _plain(value))


def _plain(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text)
