"""How much of a benchmark is run: in how many rounds, and whether all of it or a taste."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Amount:
    """`share` of the full counts and seconds; what is repeated is repeated in so many rounds."""

    rounds: int
    share: float = 1.0

    def of(self, full: int, least: int = 1) -> int:
        """So many instead of `full`, and never fewer than `least`."""
        return max(least, round(full * self.share))


QUICK = Amount(rounds=1, share=0.05)
