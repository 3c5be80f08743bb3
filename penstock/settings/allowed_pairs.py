"""The refused pairs that an operator allows: `PENSTOCK_ALLOW_PAIRS`."""

from penstock.domain.errors import InvalidSettings
from penstock.domain.planning.matrix import Pair
from penstock.settings import checks
from penstock.settings.variables import read_variables

VARIABLE = "PENSTOCK_ALLOW_PAIRS"


def read_allowed_pairs() -> frozenset[Pair]:
    """The pairs that this environment allows, read without the other settings. Raises `InvalidSettings`."""
    found = read_variables()
    try:
        return parse_pairs(checks.pairs(found.get(VARIABLE) or ""))
    except ValueError as invalid:
        raise InvalidSettings(f"{VARIABLE} {invalid}.") from invalid


def parse_pairs(text: str) -> frozenset[Pair]:
    """`mov:mp3,…` as pairs of an input's container and an output format."""
    pairs = (pair.strip().partition(":") for pair in text.split(",") if pair.strip())
    return frozenset((source, target) for source, _, target in pairs)
