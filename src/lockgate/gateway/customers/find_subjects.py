"""Under which names a person's data is sealed: her own, and those of her objects that were made before she had one."""

from lockgate.gateway.storage.database import Pool


async def subjects(pool: Pool, account: str, customer: str) -> list[str]:
    """``customer`` first, then the other subjects of what belongs to it or was paid with its cards, in both modes.

    A card that a shopper enters is sealed under its own name, for it belongs to nobody yet; so is what is paid before
    a customer is known.
    """
    rows = await pool.fetch(
        "with own as ("
        " select subject, payment_method from payment_intent where account = $1 and customer = $2"
        " union select subject, payment_method from charge where account = $1 and customer = $2"
        " union select subject, payment_method from setup_intent where account = $1 and customer = $2"
        " union select subject, payment_method from setup_attempt where account = $1 and customer = $2"
        " union select subject, null from checkout_session where account = $1 and customer = $2"
        " union select subject, id from payment_method where account = $1 and customer = $2"
        ") select subject from own union"
        " select m.subject from payment_method m where m.account = $1 and (m.customer is null or m.customer = $2)"
        "  and m.id in (select payment_method from own)",
        account,
        customer,
    )
    return [customer, *sorted({row["subject"] for row in rows} - {customer})]
