"""The rules of the operator: which prefix is converted, and how, when something arrives in it."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.arrivals.notifications import ArrivedObject
from penstock.batches.batch_form import parse_form
from penstock.batches.line_requests import check_defaults
from penstock.conversion.line_files import require_within_roots
from penstock.domain import errors
from penstock.domain.batch.addresses import joined_address, name_within, normalized_address, scheme_of
from penstock.domain.batch.spec import BatchSpec, RunOptions

FIELDS = ("batch", "project", "topic")
NO_RULE = "No rule of the operator converts what arrives in this bucket and prefix."


@dataclass(frozen=True, slots=True)
class Rule:
    """What is converted. `project`: id or name; None: the default one. `topic`: the SNS topic that may tell of it."""

    spec: BatchSpec
    options: RunOptions
    project: str | None = None
    topic: str | None = None

    @property
    def digest(self) -> str:
        """What identifies it in the records."""
        return hashlib.sha256(f"{self.project or ''}\n{self.spec.fingerprint()}".encode()).hexdigest()


def read_rules(path: Path | None, batch_roots: str) -> tuple[Rule, ...]:
    """The rules in a JSON file; none without a file. Raises `InvalidSettings` for the first wrong one."""
    if path is None:
        return ()
    try:
        return tuple(_rule(given, batch_roots) for given in _listed(json.loads(path.read_text())))
    except (OSError, ValueError) as error:
        raise errors.InvalidSettings(f"PENSTOCK_ARRIVAL_RULES cannot be read: {error}") from error
    except errors.MediaError as error:
        raise errors.InvalidSettings(f"PENSTOCK_ARRIVAL_RULES has a wrong rule: {error.message}") from error


def _listed(given: Any) -> list[Mapping[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise ValueError("it must be a JSON list of objects")
    return given


def _rule(given: Mapping[str, Any], batch_roots: str) -> Rule:
    if unknown := sorted(given.keys() - set(FIELDS)):
        raise errors.FieldUnknown(f"{unknown[0]} is not a field of a rule; its fields are {', '.join(FIELDS)}.")
    spec, options = parse_form(given.get("batch"))
    if scheme_of(spec.source or "") != "s3":
        raise errors.FieldInvalid("source must be an address like s3://bucket/prefix.", field="source")
    check_defaults(spec.defaults)
    require_within_roots(spec, batch_roots)
    return Rule(spec, options, given.get("project"), given.get("topic"))


def rules_for(objects: Sequence[ArrivedObject], rules: Sequence[Rule]) -> dict[str, list[str]]:
    """The names, within its source, of what each rule converts, by its digest. Its own outputs are ignored.

    Raises `UrlForbidden` for an object that no rule names."""
    found: dict[str, list[str]] = {}
    for arrived in objects:
        matching = list(_matching(joined_address(f"s3://{arrived.bucket}", arrived.key), rules))
        if not matching:
            raise errors.UrlForbidden(NO_RULE)
        for rule, name in matching:
            if name is not None:
                found.setdefault(rule.digest, []).append(name)
    return found


def _matching(address: str, rules: Sequence[Rule]) -> Iterator[tuple[Rule, str | None]]:
    """The rules that an address belongs to, with its name in their source; None for an output of theirs."""
    for rule in rules:
        if _is_output(address, rule.spec):
            yield rule, None
        elif name := name_within(normalized_address(rule.spec.source or ""), address):
            yield rule, name


def _is_output(address: str, spec: BatchSpec) -> bool:
    if address == spec.manifest_place:
        return True
    if spec.destination is None or normalized_address(spec.destination) == normalized_address(spec.source or ""):
        return False  # outputs among inputs: the batch tells them apart by its records
    return name_within(normalized_address(spec.destination), address) is not None
