"""Rows of the books as API objects."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.ledger import accounts
from lockgate.gateway.settlement.core.reporting import category
from lockgate.gateway.settlement.core.shapes import BALANCE, BALANCE_TRANSACTION, PAYOUT
from lockgate.gateway.storage.records import PayoutRow
from lockgate.gateway.storage.rows import BalanceTransactionRow


def balance(balances: Mapping[tuple[str, str], int], *, livemode: bool, default_currency: str) -> dict[str, Any]:
    """The merchant's money in each currency she ever had; her own currency always shows, be it with nothing."""
    merchant = (accounts.MERCHANT_AVAILABLE, accounts.MERCHANT_PENDING)
    currencies = sorted({currency for ledger, currency in balances if ledger in merchant} | {default_currency})

    def funds(ledger: str) -> list[dict[str, Any]]:
        amounts = ((currency, balances.get((ledger, currency), 0)) for currency in currencies)
        return [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}} for currency, amount in amounts
        ]

    return BALANCE.render(
        {
            "available": funds(accounts.MERCHANT_AVAILABLE),
            "pending": funds(accounts.MERCHANT_PENDING),
            "livemode": livemode,
        }
    )


def balance_transaction(row: BalanceTransactionRow) -> dict[str, Any]:
    """One movement on the merchant's balance."""
    data = json.loads(row.data)
    return BALANCE_TRANSACTION.render(
        {
            "id": row.id,
            "amount": row.amount,
            "available_on": row.available_on,
            "created": row.created,
            "currency": row.currency,
            "description": data["description"],
            "fee": row.fee,
            "fee_details": data["fee_details"],
            "net": row.net,
            "reporting_category": category(row.type, row.source, row.amount),
            "source": row.source,
            "status": row.status,
            "type": row.type,
        }
    )


def payout(row: PayoutRow) -> dict[str, Any]:
    """Money on its way to the merchant's bank, or back from it."""
    data = json.loads(row.data)
    under_way = row.status in ("pending", "in_transit")
    return PAYOUT.render(
        {
            "id": row.id,
            "amount": row.amount,
            "arrival_date": row.arrival_date,
            "automatic": row.automatic,
            "balance_transaction": row.balance_transaction,
            "created": row.created,
            "currency": row.currency,
            "description": data["description"],
            "failure_balance_transaction": data.get("failure_balance_transaction"),
            "failure_code": data.get("failure_code"),
            "failure_message": data.get("failure_message"),
            "livemode": row.livemode,
            "metadata": data["metadata"],
            "original_payout": data["original_payout"],
            "reconciliation_status": "completed" if row.automatic else "not_applicable",
            "reversed_by": data.get("reversed_by"),
            "statement_descriptor": data["statement_descriptor"],
            "status": row.status,
            "trace_id": {"status": "pending" if under_way else "unsupported", "value": None},
        }
    )
