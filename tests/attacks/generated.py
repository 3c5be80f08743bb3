"""How many inputs Hypothesis makes for a promise: 100, always the same; `EXAMPLES=20000` makes others each time."""

import os

from hypothesis import settings

_EXAMPLES = os.environ.get("EXAMPLES")

generated = settings(max_examples=int(_EXAMPLES or 100), derandomize=_EXAMPLES is None, deadline=None, database=None)
