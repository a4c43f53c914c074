"""An e-mail address as people are found by: without regard to capital letters. Pure."""


def normal(text: str) -> str:
    """The spelling under which an address is looked up. Nobody runs two mailboxes that differ in capitals alone."""
    return text.strip().casefold()
