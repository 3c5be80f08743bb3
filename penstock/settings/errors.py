"""Error messages of invalid settings: one sentence each, with the setting's name and what it must be."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from penstock.domain.web_addresses import quoted

# By the type of pydantic's error: what the value must be.
_EXPECTED = {
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_parsing": "true or false",
    "literal_error": "{expected}",
}
# Kubernetes sets such variables in each container for each service; a service named penstock is likely.
_KUBERNETES = re.compile(
    r"PENSTOCK_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)


def value_errors(invalid: ValidationError, variables: Mapping[str, str]) -> list[str]:
    """One sentence for each invalid value. `variables` are the environment variables of the fields."""
    return [_message(error, variables) for error in invalid.errors()]


def name_errors(found: Mapping[str, str | None], known: frozenset[str]) -> list[str]:
    """One sentence for each variable whose name begins with `PENSTOCK_` and is no setting."""
    ours = {name.upper(): value or "" for name, value in found.items() if name.upper().startswith("PENSTOCK_")}
    unknown = sorted(name for name, value in ours.items() if name not in known and not _is_of_kubernetes(name, value))
    return [_unknown_name(name, known) for name in unknown]


def _is_of_kubernetes(name: str, value: str) -> bool:
    return bool(_KUBERNETES.fullmatch(name)) or (name.endswith("_PORT") and value.startswith(("tcp://", "udp://")))


def _unknown_name(name: str, known: frozenset[str]) -> str:
    like = get_close_matches(name, sorted(known), n=1, cutoff=0.8)
    return f"{name} is not a setting{f'; did you mean {like[0]}?' if like else '; docs/settings.md lists all.'}"


def _message(error: ErrorDetails, variables: Mapping[str, str]) -> str:
    name = str(error["loc"][0])
    variable = variables.get(name, name)
    expected = _EXPECTED.get(error["type"])
    if expected is None:
        return f"{variable} {error['msg'].removeprefix('Value error, ')}."
    return f"{variable} must be {expected.format(**error.get('ctx', {}))}, not {quoted(str(error['input']))}."
