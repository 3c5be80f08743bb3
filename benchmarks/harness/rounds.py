"""How much of a benchmark is run: how many rounds, and which share of its full size."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Amount:
    """The number of rounds, and the share of the full counts and seconds."""

    rounds: int
    share: float = 1.0

    def of(self, full: int, minimum: int = 1) -> int:
        """The share of `full`, at least `minimum`."""
        return max(minimum, round(full * self.share))


QUICK = Amount(rounds=1, share=0.05)
