"""What the vault says when it will not do something."""


class Refused(Exception):
    """An expected refusal: a code for programs, a message that shows no value, a reason in the dialect's words."""

    def __init__(self, code: str, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason

    def wire(self) -> dict[str, str]:
        """The error map of a response."""
        error = {"code": self.code, "message": str(self)}
        if self.reason is not None:
            error["reason"] = self.reason
        return error
