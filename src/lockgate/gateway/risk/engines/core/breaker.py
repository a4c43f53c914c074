"""When an engine that keeps failing is no longer asked, and when it is tried again. Pure: the time is given."""

from dataclasses import dataclass

FAILURES = 5
REST_S = 30.0


@dataclass(slots=True)
class Breaker:
    """Opens after five failures in a row, for 30 seconds; then one question at a time finds out whether it is back."""

    failures: int = 0
    rests_until: float = 0.0
    trying: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it takes an answer to be asked by everybody again."""
        return self.failures >= FAILURES

    def may_ask(self, now: float) -> bool:
        """Whether to ask now; whoever is told so says later what came of it."""
        if not self.is_open:
            return True
        if self.trying or now < self.rests_until:
            return False
        self.trying = True
        return True

    def answered(self) -> bool:
        """It answered as it should. Whether that closed the breaker."""
        was_open, self.failures, self.trying = self.is_open, 0, False
        return was_open

    def failed(self, now: float) -> bool:
        """It did not. Whether that opened the breaker."""
        was_open = self.is_open
        self.failures, self.trying = self.failures + 1, False
        if self.is_open:
            self.rests_until = now + REST_S
        return self.is_open and not was_open

    def let_go(self) -> None:
        """Nothing is known of the question: whoever asked was stopped. It counts for nothing."""
        self.trying = False
