"""A mail as the bytes that go out: plain text, one recipient, and headers that nobody can add to. Pure."""

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NamedTuple

from lockgate.gateway.mail.core.address import is_address

MAX_SUBJECT = 150
MAX_TEXT = 20_000
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]+")
_TEXT_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")


class Letter(NamedTuple):
    """One mail before it is written out."""

    to: str
    subject: str
    text: str

    def __repr__(self) -> str:
        return "Letter(...)"


def letter(to: str, subject: str, text: str) -> Letter:
    """A letter whose parts are fit to be sent. Names that people chose may stand in ``subject`` and ``text``: what
    would end a header line, or move a terminal's cursor, is taken out. ValueError for what is no address.
    """
    if not is_address(to):
        raise ValueError("not an e-mail address that mail can be sent to")
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return Letter(
        to,
        _CONTROLS.sub(" ", subject).strip()[:MAX_SUBJECT],
        _TEXT_CONTROLS.sub("", plain)[:MAX_TEXT],
    )


def written(content: Letter, *, sender: str, name: str, id_: str, created: int) -> bytes:
    """``content`` as RFC 5322 bytes. The same mail sent twice has the same Message-ID, so that receivers show it once.

    ``sender`` is the address it comes from and ``name`` how it signs.
    """
    message = EmailMessage(policy=SMTP)
    local, _, domain = sender.rpartition("@")
    message["From"] = Address(name, local, domain)
    to_local, _, to_domain = content.to.rpartition("@")
    message["To"] = Address("", to_local, to_domain)
    message["Subject"] = content.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(created, UTC))
    message["Message-ID"] = f"<{id_}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers to a machine
    message.set_content(content.text, cte="quoted-printable")
    return message.as_bytes()
