"""Hands a mail to the operator's mail server, in a thread of its own: chain and name verified, TLS 1.2 at least."""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass

from lockgate.gateway.mail.routes import Outcome, Smtp
from lockgate.kernel.config import ConfigError

TIMEOUT_S = 30.0
_FAULTS = (
    (smtplib.SMTPAuthenticationError, "login_refused"),
    (smtplib.SMTPNotSupportedError, "not_supported"),
    (ssl.SSLCertVerificationError, "certificate_refused"),
    (ConfigError, "password_unreadable"),
    (TimeoutError, "timeout"),
)


@dataclass(frozen=True, slots=True)
class SmtpRoute:
    """Sends each mail over a connection of its own: mail is rare, and a kept connection is one more thing to lose."""

    server: Smtp
    timeout_s: float = TIMEOUT_S

    async def send(self, message: bytes, *, id_: str, sender: str, to: str) -> Outcome:
        """One try. A server that says 5xx to the mail itself is believed; whatever else fails is tried again."""
        return await asyncio.to_thread(self._send, message, sender, to)

    def _send(self, message: bytes, sender: str, to: str) -> Outcome:
        try:
            with self._connect() as server:
                if self.server.user is not None:
                    server.login(self.server.user, _password(self.server))
                server.sendmail(sender, [to], message)
        except smtplib.SMTPRecipientsRefused as refused:
            return _refused(max(code for code, _ in refused.recipients.values()), "recipient_refused")
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refused:
            return _refused(refused.smtp_code, "mail_refused")
        except (smtplib.SMTPException, ConfigError, OSError, ValueError) as fault:
            return Outcome(
                "later", next((why for kind, why in _FAULTS if isinstance(fault, kind)), "connection_failed")
            )
        return Outcome("sent", "sent")

    def _connect(self) -> smtplib.SMTP:
        host, port = self.server.host, self.server.port
        if self.server.tls == "none":
            return smtplib.SMTP(host, port, timeout=self.timeout_s)
        context = ssl.create_default_context(cafile=str(self.server.cafile) if self.server.cafile else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.server.tls == "implicit":
            return smtplib.SMTP_SSL(host, port, timeout=self.timeout_s, context=context)
        server = smtplib.SMTP(host, port, timeout=self.timeout_s)
        try:
            server.starttls(context=context)  # raises when the server does not offer it: nothing goes out in the clear
        except BaseException:
            server.close()
            raise
        return server


def _refused(code: int, why: str) -> Outcome:
    return Outcome("never" if code >= 500 else "later", why)


def _password(server: Smtp) -> str:
    if server.password_file is None:
        return server.password or ""
    try:
        if server.password_file.stat().st_mode & 0o077:
            raise ConfigError(f"{server.password_file} is open to others: run 'chmod 600 {server.password_file}'")
        return server.password_file.read_text().strip()
    except OSError as error:
        raise ConfigError(f"cannot read {server.password_file}") from error
