"""One request to an endpoint for apps, as it came."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lockgate.kernel.principal import Principal


@dataclass(frozen=True, slots=True)
class Asking:
    """``path`` is the endpoint's, ``fields`` its form, each name once; ``certificate`` is the connection's, as DER."""

    path: str
    fields: Mapping[str, str] = field(repr=False)
    authorization: str | None = field(repr=False)
    proofs: tuple[str, ...] = field(repr=False)
    from_browser: bool
    certificate: bytes | None = field(repr=False)
    address: str
    user_agent: str
    request_id: str
    now: int

    @property
    def name(self) -> str:
        """What is asked for, as records name it."""
        return self.path.rpartition("/")[2]

    def app(self, account: str, id_: str, *, livemode: bool, session: str | None = None) -> Principal:
        """An app of this request, for the audit record."""
        return Principal(
            account, livemode, "app", id_, address=self.address, user_agent=self.user_agent, session=session
        )
