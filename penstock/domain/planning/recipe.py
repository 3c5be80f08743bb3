"""The digest by which equal conversions are found: what determines the bytes of an output."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from penstock.domain.planning.plan import Plan


def conversion_digest(input_sha256: str, plan: Plan, argv: Sequence[str], versions: Mapping[str, str]) -> str:
    """Equal for equal input bytes and the same recipe: plan, encoder arguments and versions of the tools.

    The reasons of the plan count too: they decide whether a smaller input is kept instead (`keep_original`)."""
    recipe = [input_sha256, type(plan).__name__, asdict(plan), list(argv), dict(versions)]
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
