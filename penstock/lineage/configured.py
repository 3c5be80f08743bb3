"""Whether there is a lineage server, without loading what tells it anything."""

import os
from importlib.util import find_spec

from penstock.domain.errors import Misconfigured

URL_VARIABLE = "OPENLINEAGE_URL"
MISSING = (
    f"{URL_VARIABLE} is set, but the client of OpenLineage is not installed; install penstock[lineage], or unset it."
)


def is_configured() -> bool:
    """Whether there is a lineage server."""
    return bool(os.environ.get(URL_VARIABLE))


def require_client() -> None:
    """Raises `Misconfigured` if there is a lineage server, but its client is not installed."""
    if is_configured() and find_spec("openlineage") is None:
        raise Misconfigured(MISSING)
