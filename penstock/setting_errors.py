"""What is said of settings that are wrong: a sentence for each fault, with the setting's name and what is right."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from penstock.domain.addresses import quoted

# By pydantic's name of a fault, what is right instead.
_RIGHT = {
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
# Kubernetes tells each container of its services in such variables; one that is called penstock is likely.
_KUBERNETES = re.compile(
    r"PENSTOCK_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)


def of_values(invalid: ValidationError, variables: Mapping[str, str]) -> list[str]:
    """One sentence a fault. `variables` are the fields' names in the environment."""
    return [_sentence(fault, variables) for fault in invalid.errors()]


def of_names(found: Mapping[str, str | None], known: frozenset[str]) -> list[str]:
    """One sentence for each variable of `found` that is named like a setting and is none."""
    ours = {name.upper(): value or "" for name, value in found.items() if name.upper().startswith("PENSTOCK_")}
    unknown = sorted(name for name, value in ours.items() if name not in known and not _is_of_kubernetes(name, value))
    return [_unknown(name, known) for name in unknown]


def _is_of_kubernetes(name: str, value: str) -> bool:
    return bool(_KUBERNETES.fullmatch(name)) or (name.endswith("_PORT") and value.startswith(("tcp://", "udp://")))


def _unknown(name: str, known: frozenset[str]) -> str:
    like = get_close_matches(name, sorted(known), n=1, cutoff=0.8)
    return f"{name} is not a setting{f'; did you mean {like[0]}?' if like else '; docs/settings.md lists all.'}"


def _sentence(fault: ErrorDetails, variables: Mapping[str, str]) -> str:
    name = str(fault["loc"][0])
    variable = variables.get(name, name)
    right = _RIGHT.get(fault["type"])
    if right is None:
        return f"{variable} {fault['msg'].removeprefix('Value error, ')}."
    return f"{variable} must be {right.format(**fault.get('ctx', {}))}, not {quoted(str(fault['input']))}."
