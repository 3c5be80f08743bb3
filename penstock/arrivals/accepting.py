"""Accepts the notification of a bucket: what it names must be there, and a rule must convert it."""

from collections.abc import Sequence

from penstock.arrivals.notifications import ArrivedObject
from penstock.arrivals.rules import Rule, rules_for
from penstock.domain import errors
from penstock.records import Records
from penstock.storage.locations.opening import open_location

QUIET_SECONDS, LONGEST_SECONDS = 5.0, 60.0
MISSING = "The notification names an object that is not in the bucket."


def accept_arrivals(
    objects: Sequence[ArrivedObject], rules: Sequence[Rule], records: Records, s3_endpoint_url: str | None
) -> int:
    """Note what has arrived, to be converted once the burst is over; returns how many objects are to be converted.

    Raises `UrlForbidden` where no rule names an object, `InputUnreachable` where it does not exist."""
    found = rules_for(objects, rules)
    for rule in rules:
        if names := found.get(rule.digest):
            _require_one(rule, names, s3_endpoint_url)
    if found:
        records.arrivals.note(list(found), QUIET_SECONDS, LONGEST_SECONDS)
    return len({name for names in found.values() for name in names})


def _require_one(rule: Rule, names: Sequence[str], s3_endpoint_url: str | None) -> None:
    """One of a burst is enough: the batch lists the prefix itself, and converts what it finds there."""
    source = open_location(rule.spec.source or "", s3_endpoint_url)
    if all(source.stat(name) is None for name in names[:10]):
        raise errors.InputUnreachable(MISSING)
