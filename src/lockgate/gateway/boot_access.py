"""The composition root of the rooms that know who may ask: people, apps, certificates, their alerts and mail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockgate.gateway import boot_alerts, boot_audit, boot_oauth, boot_reviews
from lockgate.gateway.alerts import api as alerts_api
from lockgate.gateway.alerts.ports import Ports as AlertsPorts
from lockgate.gateway.approvals import api as approvals_api
from lockgate.gateway.approvals.ports import Ports as ApprovalsPorts
from lockgate.gateway.approvals.require import Approvals
from lockgate.gateway.audit import api as audit_api
from lockgate.gateway.audit import jobs as audit_jobs
from lockgate.gateway.audit.ports import Ports as AuditPorts
from lockgate.gateway.audit.ports import Reads as AuditReads
from lockgate.gateway.certificates import api as certificates_api
from lockgate.gateway.certificates import jobs as certificates_jobs
from lockgate.gateway.certificates import lists as certificate_lists
from lockgate.gateway.certificates import renew as certificate_renew
from lockgate.gateway.certificates.check import ClientCertificates
from lockgate.gateway.certificates.ports import Ports as CertificatesPorts
from lockgate.gateway.certificates.trust import Trust
from lockgate.gateway.factors import api as factors_api
from lockgate.gateway.factors import jobs as factors_jobs
from lockgate.gateway.factors.ports import Change
from lockgate.gateway.factors.ports import Ports as FactorsPorts
from lockgate.gateway.factors.second import Factors
from lockgate.gateway.identity import api_addresses
from lockgate.gateway.identity import api_keys as identity_api_keys
from lockgate.gateway.identity import api_roles as identity_api_roles
from lockgate.gateway.identity.address_rules import AddressRules
from lockgate.gateway.identity.authenticate import Authenticator
from lockgate.gateway.identity.ports import CredentialPorts
from lockgate.gateway.identity.roles import Roles
from lockgate.gateway.identity.signing_keys import SigningKeys
from lockgate.gateway.identity.tokens import Tokens
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.oauth import api as oauth_api
from lockgate.gateway.oauth import endpoints as oauth_endpoints
from lockgate.gateway.oauth import jobs as oauth_jobs
from lockgate.gateway.oauth import pages as oauth_pages
from lockgate.gateway.oauth.ports import Ports as OauthPorts
from lockgate.gateway.people import api as people_api
from lockgate.gateway.people import api_invitations, api_sessions, api_sign_in
from lockgate.gateway.people import jobs as people_jobs
from lockgate.gateway.people.breached import Breached
from lockgate.gateway.people.factor_changed import factor_changed
from lockgate.gateway.people.passwords import Passwords
from lockgate.gateway.people.ports import Ports as PeoplePorts
from lockgate.gateway.people.ports import access_seconds
from lockgate.gateway.people.sign_in import email_of
from lockgate.gateway.portal import pages as portal_pages
from lockgate.gateway.portal.ports import Ports as PortalPorts
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.vaultlink.client import VaultClient
from lockgate.gateway.vaultlink.personal import PersonalBox
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError
from lockgate.kernel.operations import Hook, Operation, Page


@dataclass(frozen=True, slots=True)
class Base:
    """What these rooms are made of. ``settings`` are the home's public ones, ``home`` its directory."""

    program: str
    home: Path
    settings: Mapping[str, Any]
    pool: Pool
    committer: Committer
    vault: VaultClient
    box: PersonalBox
    pepper: bytes = field(repr=False)
    poke: Callable[[], None] = field(repr=False)

    @property
    def public_url(self) -> str:
        return self.settings["api"]["url"]

    async def platform_key(self, purpose: str) -> bytes:
        """One of the gateway's own keys."""
        key = await self.box.key("platform", purpose, "platform")
        if key is None:
            raise ConfigError(f"the vault has destroyed the gateway's key {purpose}")
        return key


@dataclass(frozen=True, slots=True)
class Access:
    """The rooms themselves, ready for the door."""

    base: Base
    tokens: Tokens
    authenticator: Authenticator
    witness: Witness
    audit: AuditReads
    alerts: AlertsPorts
    people: PeoplePorts
    factors: FactorsPorts
    certificates: CertificatesPorts
    client_certificates: ClientCertificates
    oauth: OauthPorts
    trust: Trust
    approving: ApprovalsPorts
    approvals: Approvals
    addresses: AddressRules


async def assemble(base: Base) -> Access:
    """Construct the rooms, lower ones first."""
    tokens = Tokens(SigningKeys(base.pool, base.box), issuer=base.public_url)
    witness = Witness(base.pool)
    people, factors = await _people(base, tokens, witness)
    client_certificates, addresses = ClientCertificates(base.pool), AddressRules(base.pool, witness)
    authenticator, oauth = boot_oauth.assemble(
        base.pool, people, tokens, pepper=base.pepper, secret=await base.platform_key("oauth"), witness=witness,
        certificates=client_certificates, addresses=addresses,
    )  # fmt: skip
    approving = ApprovalsPorts(pool=base.pool, box=base.box, witness=witness, factors=factors, people=people)
    audit = boot_audit.reading(base.settings, pool=base.pool, vault=base.vault)
    if base.program == "worker":
        audit = await boot_audit.sealing(base.home, base.settings, audit)
    return Access(
        base=base,
        tokens=tokens,
        authenticator=authenticator,
        witness=witness,
        audit=audit,
        alerts=boot_alerts.ports(base.settings, pool=base.pool, box=base.box, poke=base.poke),
        people=people,
        factors=factors,
        certificates=CertificatesPorts(base.pool, base.box, witness, base.public_url),
        client_certificates=client_certificates,
        oauth=oauth,
        trust=Trust(base.pool),
        approving=approving,
        approvals=Approvals(approving),
        addresses=addresses,
    )


async def _people(base: Base, tokens: Tokens, witness: Witness) -> tuple[PeoplePorts, FactorsPorts]:
    """The room of people and the one of their second factors, which tells the other what has changed."""
    key, pepper = await base.platform_key("people"), await base.platform_key("password-pepper")

    async def changed(connection: Connection, change: Change) -> None:
        await factor_changed(people, connection, change)

    factors = FactorsPorts(pool=base.pool, box=base.box, url=base.public_url, changed=changed)
    people = PeoplePorts(
        pool=base.pool,
        box=base.box,
        tokens=tokens,
        roles=Roles(base.pool),
        factors=Factors(factors),
        witness=witness,
        passwords=Passwords(pepper),
        breached=Breached(base.settings.get("breached_passwords") if base.program == "gateway" else None),
        url=base.public_url,
        access_s=access_seconds(base.settings),
        poke=base.poke,
        key=key,
    )
    return people, factors


def operations(access: Access) -> list[Operation]:
    """What these rooms offer under the API's guard. Declaring needs nothing to be there behind it."""
    credentials = CredentialPorts(access.base.pool, access.base.pepper)

    async def address_of(person: str) -> str:
        return await email_of(access.people, person)

    offered = [
        *alerts_api.operations(access.alerts),
        *audit_api.operations(access.audit),
        *approvals_api.operations(access.approving, access.approvals),
        *certificates_api.operations(access.certificates),
        *factors_api.operations(access.factors, address_of),
        *api_addresses.operations(access.base.pool, access.addresses),
        *identity_api_keys.operations(credentials),
        *identity_api_roles.operations(credentials),
        *people_api.operations(access.people),
        *api_invitations.operations(access.people),
        *api_sessions.operations(access.people),
        *oauth_api.operations(access.oauth),
    ]
    return [*offered, *boot_reviews.operations(access.base.pool, access.base.box, offered)]


def pages(access: Access) -> list[Page | Hook]:
    """What is opened without a key: pages for people, endpoints for apps."""
    return [
        *portal_pages.pages(PortalPorts(access.people, access.factors, access.approving, access.oauth)),
        *api_sign_in.hooks(access.people),
        *oauth_pages.pages(access.oauth),
        *oauth_endpoints.hooks(access.oauth),
        *certificate_renew.hooks(access.certificates, access.client_certificates),
        *certificate_lists.pages(access.certificates),
        *boot_reviews.hooks(
            access.base.settings, pool=access.base.pool, box=access.base.box, pepper=access.base.pepper,
            witness=access.witness, forget=access.authenticator.forget,
        ),
    ]


def jobs(access: Access) -> Sequence[Job]:
    """What the clock calls in these rooms."""

    async def signing_keys() -> int:
        await access.tokens.keys.keep_up(now=clock.now())
        return 0

    base = access.base
    return [
        *boot_alerts.jobs(base.home, base.settings, access.alerts, box=base.box),
        *(audit_jobs.jobs(access.audit) if isinstance(access.audit, AuditPorts) else ()),
        Job("identity.signing_keys", 3_600_000, signing_keys),
        *factors_jobs.jobs(access.base.pool),
        *people_jobs.jobs(access.base.pool),
        *oauth_jobs.jobs(access.base.pool),
        *certificates_jobs.jobs(access.certificates),
        *boot_reviews.jobs(access.base.pool),
    ]
