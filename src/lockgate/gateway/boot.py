"""The composition root: the only place that constructs the gateway's and the worker's parts, and starts them."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from lockgate.gateway import boot_access, boot_limits
from lockgate.gateway.boot_access import Access
from lockgate.gateway.boot_risk import Risk
from lockgate.gateway.checkout import api as checkout_api
from lockgate.gateway.checkout import jobs as checkout_jobs
from lockgate.gateway.checkout import page as checkout_page
from lockgate.gateway.checkout.ports import Ports as CheckoutPorts
from lockgate.gateway.customers import api as customers_api
from lockgate.gateway.customers import jobs as customers_jobs
from lockgate.gateway.customers.ports import Ports as CustomersPorts
from lockgate.gateway.disputes import api as disputes_api
from lockgate.gateway.disputes import api_warnings
from lockgate.gateway.disputes import jobs as disputes_jobs
from lockgate.gateway.disputes import learn as learn_dispute
from lockgate.gateway.disputes import warnings as dispute_warnings
from lockgate.gateway.disputes.core.orders import ACTIONS as DISPUTE_ACTIONS
from lockgate.gateway.disputes.order import Orders as DisputeOrders
from lockgate.gateway.disputes.ports import Ports as DisputesPorts
from lockgate.gateway.identity import api as identity_api
from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.identity.ports import Ports as IdentityPorts
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.ledger import jobs as ledger_jobs
from lockgate.gateway.notifications import jobs as notifications_jobs
from lockgate.gateway.notifications import receive
from lockgate.gateway.notifications.ports import Handler, Told
from lockgate.gateway.notifications.ports import Ports as NotificationsPorts
from lockgate.gateway.payments import api as payments_api
from lockgate.gateway.payments import expire, recover, returns, verify_card
from lockgate.gateway.payments import jobs as payments_jobs
from lockgate.gateway.payments import notice as payments_notice
from lockgate.gateway.payments import stakes as payments_stakes
from lockgate.gateway.payments.ports import Ports as PaymentsPorts
from lockgate.gateway.payments.raise_review import raise_review
from lockgate.gateway.payments.send import ask
from lockgate.gateway.processors import registry
from lockgate.gateway.processors.contract import Asks, Changes
from lockgate.gateway.risk.ports import Ports as RiskPorts
from lockgate.gateway.settlement import api as settlement_api
from lockgate.gateway.settlement import jobs as settlement_jobs
from lockgate.gateway.settlement import notice as settlement_notice
from lockgate.gateway.settlement import render as settlement_render
from lockgate.gateway.settlement import stakes as settlement_stakes
from lockgate.gateway.settlement.conclude import ACTIONS as PAYOUT_ACTIONS
from lockgate.gateway.settlement.conclude import Concluder as PayoutConcluder
from lockgate.gateway.settlement.ports import Ports as SettlementPorts
from lockgate.gateway.storage import business_time, idempotency, poke
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool, connect_pool
from lockgate.gateway.storage.jobs import Schedule
from lockgate.gateway.storage.rows import PaymentMethodRow
from lockgate.gateway.vaultlink.client import VaultClient, VaultUnavailable
from lockgate.gateway.vaultlink.link import to_vault
from lockgate.gateway.vaultlink.personal import PersonalBox
from lockgate.gateway.web import api_limits
from lockgate.gateway.web import jobs as web_jobs
from lockgate.gateway.web.addresses import of_settings
from lockgate.gateway.web.app import App
from lockgate.gateway.web.certified import CertifiedOnly
from lockgate.gateway.web.doors import Door, Doors
from lockgate.gateway.web.limits import Limits
from lockgate.gateway.web.ports import Ports as WebPorts
from lockgate.gateway.web.tls import Handshakes, Leaf
from lockgate.gateway.webhooks import api as webhooks_api
from lockgate.gateway.webhooks import jobs as webhooks_jobs
from lockgate.gateway.webhooks.ports import Ports as WebhooksPorts
from lockgate.kernel import clock, log, process, ready
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.operations import Call, Operation
from lockgate.kernel.source import is_loopback

_POOL = {"gateway": 16, "worker": 8}
_PLATFORM = "platform"
_WAIT_FOR_VAULT_S = 20.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What gateway and worker are both made of."""

    settings: Mapping[str, Any]
    pool: Pool
    committer: Committer
    vault: VaultClient
    box: PersonalBox
    client_secrets: ClientSecrets
    pepper: bytes
    customers: CustomersPorts
    payments: PaymentsPorts
    disputes: DisputesPorts
    notifications: NotificationsPorts
    settlement: SettlementPorts
    risk: Risk
    webhooks: WebhooksPorts
    access: Access

    @property
    def checkout(self) -> CheckoutPorts:
        """What checkout is made of is all in payments."""
        return CheckoutPorts.beside(self.payments)

    async def close(self) -> None:
        await self.committer.close()
        await self.vault.close()
        await self.pool.close()


def serve(home: Home) -> None:
    """Run the gateway until it is told to stop."""
    log.start("gateway")
    uvloop.run(_serve(home))


def work(home: Home) -> None:
    """Run the worker until it is told to stop."""
    log.start("worker")
    uvloop.run(_work(home))


async def _serve(home: Home) -> None:
    _check_plain_http(home.settings())
    parts = await _assemble(home, "gateway")
    offered = operations(parts)
    looks = {**payments_stakes.looks(parts.payments), **settlement_stakes.looks(parts.settlement)}
    parts.access.approvals.learn(offered, looks)
    pages = [
        *returns.pages(parts.payments),
        *checkout_page.pages(parts.checkout),
        *parts.risk.pages(),
        *receive.hooks(parts.notifications),
        *boot_access.pages(parts.access),
    ]
    kept = await boot_limits.assemble(
        parts.settings, home.secrets("gateway"), pool=parts.pool, pepper=parts.pepper
    )
    app = App(offered, _loaders(parts), pages, _web_ports(parts, kept.limits))
    doors = Doors(_doors(home, app, parts.access.witness), changed=parts.access.trust.changed)
    await parts.risk.warm()
    await doors.open()
    stopped = _stop_signal()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, doors.renew)
    process.settle_memory()
    ready.announce()
    await stopped.wait()
    await doors.close()
    await app.close()
    await kept.close()
    await parts.access.addresses.close()
    await parts.notifications.witness.close()
    await parts.close()


def _doors(home: Home, app: App, witness: Witness) -> list[Door]:
    """Where the API listens: for everybody, and if the settings say so for those with a client certificate alone."""
    api, tls = home.settings()["api"], home.path / "tls"
    leaf, public = Leaf(tls / "api.pem", tls / "api.key"), Leaf(tls / "public.pem", tls / "public.key")
    found = [Door("api", api["host"], api["port"], Handshakes(leaf, public) if api["tls"] else None, app)]
    if "mtls" in api:
        certified, handshakes = CertifiedOnly(app, witness), Handshakes(leaf, public)
        found.append(Door("mtls", api["mtls"]["host"], api["mtls"]["port"], handshakes, certified))
    return found


async def _work(home: Home) -> None:
    parts = await _assemble(home, "worker")
    # What a crash undoes of leases, fan-out and delivery notes is found undone and done again.
    redoable = await _pool(home, "worker", durable=False)
    schedule = Schedule(
        redoable,
        [
            *payments_jobs.jobs(parts.payments),
            *customers_jobs.jobs(parts.customers),
            *notifications_jobs.jobs(replace(parts.notifications, pool=redoable)),
            *disputes_jobs.jobs(parts.disputes),
            *webhooks_jobs.jobs(replace(parts.webhooks, pool=redoable)),
            *ledger_jobs.jobs(parts.pool),
            *parts.risk.jobs(parts.pool, raise_review=partial(raise_review, parts.payments)),
            *settlement_jobs.jobs(parts.settlement),
            *checkout_jobs.jobs(parts.checkout),
            *boot_access.jobs(parts.access),
            *web_jobs.jobs(parts.pool),
        ],
    )
    gateway = home.secrets_file("gateway").stat().st_uid  # the file's owner is the program's user
    bell = await poke.listen(Path(parts.settings["run_dir"]), schedule.poke, uids=frozenset({gateway}))
    stopped = _stop_signal()
    running = asyncio.create_task(schedule.run())
    process.settle_memory()
    ready.announce()
    await asyncio.wait({running, asyncio.ensure_future(stopped.wait())}, return_when=asyncio.FIRST_COMPLETED)
    schedule.stop()
    await running
    bell.close()
    await redoable.close()
    await parts.close()


async def _assemble(home: Home, program: str) -> Parts:
    settings, own = home.settings(), home.secrets(program)
    pool = await _pool(home, program)
    committer = Committer(pool)
    vault = VaultClient(to_vault(home, program), caller=program, key=bytes.fromhex(own["vault_key"]))
    box = PersonalBox(vault)
    client_secrets = ClientSecrets(await _platform_key(box, "client-secret"))
    nudge = poke.poker(Path(settings["run_dir"]))
    pepper = await _platform_key(box, "api-key-pepper")

    async def ask_for_changes(account: str, livemode: bool, question: Asks[Changes]) -> Changes | None:
        return await ask(payments, account=account, livemode=livemode, question=question)

    async def verify(call: Call, row: PaymentMethodRow) -> PaymentMethodRow:
        return await verify_card.verify(payments, call, row)

    async def before_a_card(call: Call) -> None:
        await risk.before_a_card(call)

    customers = CustomersPorts(
        pool=pool, committer=committer, vault=vault, box=box, poke=nudge, pepper=pepper, verify=verify,
        defend=before_a_card,
    )  # fmt: skip
    processors = {name: registry.get(name) for name in settings["processors"]}
    settlement = SettlementPorts(
        pool=pool,
        committer=committer,
        vault=vault,
        box=box,
        processors=processors,
        settings=settings["processors"],
        payout_processor=_card_processor(processors),
        poke=nudge,
    )
    access = await boot_access.assemble(
        boot_access.Base(program, home.path, settings, pool, committer, vault, box, pepper, nudge)
    )
    payouts = PayoutConcluder(settlement)
    disputes = DisputesPorts(
        pool=pool,
        committer=committer,
        vault=vault,
        box=box,
        processors=processors,
        settings=settings["processors"],
        show_transaction=settlement_render.balance_transaction,
        poke=nudge,
    )
    disputing = DisputeOrders(disputes)
    risk_ports = RiskPorts(pool=pool, committer=committer, box=box, poke=nudge)
    risk = Risk(settings, risk_ports, pool=pool, box=box, puzzle_key=await _platform_key(box, "puzzle"))
    payments = PaymentsPorts(
        pool=pool,
        committer=committer,
        vault=vault,
        box=box,
        client_secrets=client_secrets,
        customers=customers,
        assess=risk.assess,
        processors=processors,
        settings=settings["processors"],
        card_processor=_card_processor(processors),
        public_url=settings["api"]["url"],
        return_key=await _platform_key(box, "return"),
        poke=nudge,
        concluders={**dict.fromkeys(PAYOUT_ACTIONS, payouts), **dict.fromkeys(DISPUTE_ACTIONS, disputing)},
    )
    return Parts(
        settings=settings,
        pool=pool,
        committer=committer,
        vault=vault,
        box=box,
        client_secrets=client_secrets,
        pepper=pepper,
        customers=customers,
        payments=payments,
        disputes=disputes,
        notifications=NotificationsPorts(
            pool=pool,
            vault=vault,
            witness=Witness(pool),
            processors=processors,
            settings=settings["processors"],
            handlers=_handlers(payments, disputes, settlement),
            ask=ask_for_changes,
            poke=nudge,
        ),
        risk=risk,
        settlement=settlement,
        webhooks=WebhooksPorts(
            pool=pool,
            committer=committer,
            box=box,
            allow_private=bool(settings["allow_private_webhooks"]) and settings["profile"] == "sandbox",
            poke=nudge,
        ),
        access=access,
    )


def _handlers(payments: PaymentsPorts, disputes: DisputesPorts, settlement: SettlementPorts) -> dict[str, Handler]:
    """Which room asks about what a processor has told of."""

    async def step(told: Told) -> bool:
        return await payments_notice.step(payments, told.account, told.livemode, told.reference)

    async def dispute(told: Told) -> bool:
        return await learn_dispute.dispute(
            disputes, told.account, told.livemode, processor=told.processor, reference=told.reference
        )

    async def warning(told: Told) -> bool:
        return await dispute_warnings.learn(
            disputes, told.account, told.livemode, processor=told.processor, reference=told.reference
        )

    async def payout(told: Told) -> bool:
        return await settlement_notice.payout(settlement, told.account, told.livemode, told.reference)

    return {"step": step, "dispute": dispute, "early_fraud_warning": warning, "payout": payout}


def _check_plain_http(settings: Mapping[str, Any]) -> None:
    """Whatever wrote the settings: without TLS the API is served in the sandbox and on loopback, nowhere else."""
    api = settings["api"]
    if api["tls"]:
        return
    if settings["profile"] != "sandbox" or not is_loopback(api["host"]):
        raise ConfigError(
            "settings.json asks for plain HTTP, which only the sandbox has, on a loopback address: set api.tls to true"
        )


async def _pool(home: Home, program: str, *, durable: bool = True) -> Pool:
    database = home.settings()["database"]
    try:
        return await connect_pool(
            database=database,
            user=f"lockgate_{program}",
            password=home.secrets(program)["database_password"],
            size=_POOL[program],
            durable=durable,
        )
    except OSError as error:
        raise ConfigError(
            f"no PostgreSQL answers at {database['host']}: start it first ('lockgate up' does)"
        ) from error


def operations(parts: Parts) -> list[Operation]:
    """Everything that the API offers."""
    identity = IdentityPorts(
        parts.pool,
        parts.committer,
        poke=parts.payments.poke,
        forget=parts.access.authenticator.forget,
        due=_due(parts),
    )
    return [
        *payments_api.operations(parts.payments),
        *customers_api.operations(parts.customers),
        *disputes_api.operations(parts.disputes),
        *api_warnings.operations(parts.disputes),
        *settlement_api.operations(parts.settlement),
        *Risk.operations(parts.risk),
        *checkout_api.operations(parts.checkout),
        *webhooks_api.operations(parts.webhooks),
        *identity_api.operations(identity),
        *boot_access.operations(parts.access),
        *api_limits.operations(parts.pool),
    ]


def _due(parts: Parts) -> list[Callable[[], Awaitable[int]]]:
    """What a step of a test clock may have made due, lower rooms first."""

    async def old_keys() -> int:
        ahead = await business_time.ahead(parts.pool)
        return await idempotency.purge(parts.pool, now=clock.now(), ahead=ahead)

    return [
        old_keys,
        lambda: notifications_jobs.due(parts.notifications),
        lambda: expire.portion(parts.payments, now=clock.now()),
        lambda: disputes_jobs.due(parts.disputes, now=clock.now()),
        lambda: settlement_jobs.due(parts.settlement, now=clock.now()),
        lambda: checkout_jobs.due(parts.checkout, now=clock.now()),
    ]


def _loaders(parts: Parts) -> dict[str, Any]:
    payments = payments_api.loaders(parts.payments)
    disputes = disputes_api.loaders(parts.disputes)
    settlement = settlement_api.loaders(parts.settlement)
    by_prefix = {
        "ch_": payments["charge"], "re_": payments["refund"], "dp_": disputes["dispute"], "po_": settlement["payout"],
    }  # fmt: skip

    async def sources(principal: Any, ids: Any) -> dict[str, Any]:
        """What a balance transaction is about, by its id's prefix."""
        found: dict[str, Any] = {}
        for prefix, load in by_prefix.items():
            mine = [id_ for id_ in ids if id_.startswith(prefix)]
            found |= await load(principal, mine) if mine else {}
        return found

    return {
        **payments,
        **disputes,
        "balance_transaction_source": sources,
        **customers_api.loaders(parts.customers),
        **settlement,
        **parts.risk.loaders(),
        **checkout_api.loaders(parts.checkout),
        **webhooks_api.loaders(parts.webhooks),
    }


def _web_ports(parts: Parts, limits: Limits) -> WebPorts:
    async def settle(principal: Any, found: Any, call: Any) -> Any:
        return await recover.settle_claim(parts.payments, principal, found, call)

    return WebPorts(
        pool=parts.pool,
        authenticator=parts.access.authenticator,
        witness=parts.access.witness,
        client_secrets=parts.client_secrets,
        box=parts.box,
        settle=settle,
        client_certificates=parts.access.client_certificates,
        approvals=parts.access.approvals,
        addresses=parts.access.addresses,
        public_url=parts.access.base.public_url,
        limits=limits,
        own_account=parts.settings["account"],
        clients=of_settings(parts.settings.get("proxies")),
    )


def _card_processor(processors: Mapping[str, Any]) -> str:
    if len(processors) != 1:
        raise ConfigError("settings.json must configure exactly one processor for cards")
    return next(iter(processors))


async def _platform_key(box: PersonalBox, purpose: str) -> bytes:
    """One of the gateway's own keys; waits a while for a vault that is just starting."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _WAIT_FOR_VAULT_S
    while True:
        try:
            key = await box.key(_PLATFORM, purpose, _PLATFORM)
        except VaultUnavailable as fault:
            if loop.time() > end:
                raise ConfigError("the vault does not answer: start it first ('lockgate vault')") from fault
            await asyncio.sleep(0.2)
            continue
        if key is None:
            raise ConfigError(f"the vault has destroyed the gateway's key {purpose}")
        return key


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    stop: Callable[[], None] = stopped.set
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return stopped
