"""What the portal needs from outside: the rooms of people, their factors and approvals, and the apps they let in."""

from dataclasses import dataclass

from lockgate.gateway.approvals.ports import Ports as ApprovalsPorts
from lockgate.gateway.factors.ports import Ports as FactorsPorts
from lockgate.gateway.oauth.ports import Ports as OauthPorts
from lockgate.gateway.people.ports import Ports as PeoplePorts


@dataclass(frozen=True, slots=True)
class Ports:
    """The rooms whose doors these pages are."""

    people: PeoplePorts
    factors: FactorsPorts
    approvals: ApprovalsPorts
    oauth: OauthPorts

    @property
    def url(self) -> str:
        return self.people.url
