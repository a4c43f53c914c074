"""Makes the room of apps: it knows who is signed in, and what a person may do, from the room of people below it."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.certificates.check import ClientCertificates
from lockgate.gateway.identity import find as identity_find
from lockgate.gateway.identity.address_rules import AddressRules
from lockgate.gateway.identity.authenticate import Authenticator
from lockgate.gateway.identity.dpop import Dpop
from lockgate.gateway.identity.standing import Holder, Standing
from lockgate.gateway.identity.tokens import ACCESS, SESSION, Tokens
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.oauth.ports import Guest, Memberships
from lockgate.gateway.oauth.ports import Ports as OauthPorts
from lockgate.gateway.oauth.standing import standing as standing_of_app
from lockgate.gateway.people import sessions
from lockgate.gateway.people.find_holdings import roles_of
from lockgate.gateway.people.ports import Ports as PeoplePorts
from lockgate.gateway.people.standing import standing as standing_of_person
from lockgate.gateway.storage.database import Pool
from lockgate.kernel.operations import Visit


def assemble(
    pool: Pool,
    people: PeoplePorts,
    tokens: Tokens,
    *,
    pepper: bytes,
    secret: bytes,
    witness: Witness,
    certificates: ClientCertificates,
    addresses: AddressRules,
) -> tuple[Authenticator, OauthPorts]:
    """The authenticator asks this room who holds an app's token, and this room asks it whose an API key is."""

    async def of_session(claims: Mapping[str, Any]) -> Standing | None:
        return await standing_of_person(people, claims)

    async def of_app(claims: Mapping[str, Any]) -> Standing | None:
        return await standing_of_app(ports, claims)

    async def visitor(visit: Visit) -> Guest | None:
        found = await sessions.of_visit(people, visit)
        if found is None:
            return None
        return Guest(found.person, found.session.id, found.session.proved_at, found.roles, found.headers)

    async def memberships(person: str) -> Memberships:
        held = await roles_of(pool, person)
        return {account: await people.roles.permissions(account, names) for account, names in held.items()}

    async def account_names(ids: Sequence[str]) -> Mapping[str, str]:
        rows = [await identity_find.account(pool, id_) for id_ in ids]
        return {row.id: row.name for row in rows if row is not None}

    proofs = Dpop(pool)
    holders: dict[str, Holder] = {SESSION: of_session, ACCESS: of_app}
    authenticator = Authenticator(pool, pepper=pepper, tokens=tokens, holders=holders, proofs=proofs)
    ports = OauthPorts(
        pool=pool,
        tokens=tokens,
        keys=authenticator,
        proofs=proofs,
        certificates=certificates,
        addresses=addresses,
        witness=witness,
        issuer=tokens.issuer,
        visitor=visitor,
        memberships=memberships,
        account_names=account_names,
        secret=secret,
        pepper=pepper,
    )
    return authenticator, ports
