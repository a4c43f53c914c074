"""The words and periods of this room: how long certificates live, and when somebody is warned of an end."""

DAY_S = 86_400
DEFAULT_DAYS = 30
MAX_DAYS = 90
WARN_DAYS = (30, 14, 7)
ISSUER_DAYS = 365
RENEW_ISSUER_BELOW_DAYS = 120  # an issuer must outlive whatever it signs
MAX_ALIVE = 100  # of one account and mode
MAX_SUCCESSORS = 3  # that one certificate may ask for itself: a thief cannot fill the table
LIST_S = 24 * 3600
RENEW_LIST_BELOW_S = 12 * 3600
EVERY_KEY = "*"

REASONS = ("unspecified", "key_compromise", "affiliation_changed", "superseded", "cessation_of_operation")


def warning_due(days_left: float, warned: int | None) -> int | None:
    """Which of WARN_DAYS has to be told now: the nearest one reached, unless that or a nearer one was told before."""
    reached = [days for days in WARN_DAYS if days_left <= days]
    if not reached:
        return None
    due = min(reached)
    return None if warned is not None and warned <= due else due
