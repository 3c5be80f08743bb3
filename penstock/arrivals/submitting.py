"""Submits the batches of prefixes in which something has arrived."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from penstock.arrivals.rules import Rule
from penstock.domain import errors
from penstock.domain.batch.batch import BatchOrder
from penstock.records import Records

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
# While its batch runs, what arrives waits: the batch may have listed the prefix before.
RUNNING_SECONDS = 3.0
# What refuses a batch, such as a project that is not made yet, is changed by hand.
REFUSED_SECONDS = 60.0


async def submit_arrivals(records: Records, rules: Sequence[Rule]) -> None:
    """Submit batches for ever, one for each burst."""
    by_digest = {rule.digest: rule for rule in rules}
    while True:
        try:
            await asyncio.to_thread(submit_due, records, by_digest)
        except errors.DatabaseUnavailable:
            log.warning("arrivals wait: the database is unavailable")
        await asyncio.sleep(POLL_SECONDS)


def submit_due(records: Records, rules: Mapping[str, Rule]) -> None:
    """Submit what is due. Of a rule that was removed nothing is converted."""
    for digest, noted in records.arrivals.claim_due():
        rule = rules.get(digest)
        if rule is not None and (seconds := _waiting_seconds(records, rule)):
            records.arrivals.postpone(digest, seconds)
        else:
            records.arrivals.remove(digest, noted)


def _waiting_seconds(records: Records, rule: Rule) -> float:
    """0 if a run of the batch was started, else for how long the rule has to wait."""
    try:
        return 0.0 if _has_submitted(records, rule) else RUNNING_SECONDS
    except errors.RequestError as error:
        log.error("arrivals wait, their batch cannot be submitted: %s", error.message)  # noqa: TRY400
        return REFUSED_SECONDS


def _has_submitted(records: Records, rule: Rule) -> bool:
    """Whether a run of the batch was started; not while one runs."""
    keys = records.keys
    project_id = keys.find_project(rule.project) if rule.project else keys.default_project()
    if records.batches.is_running(project_id, rule.spec):
        return False
    batch = records.batches.submit(project_id, BatchOrder(rule.spec, rule.options))
    log.info("%s converts what has arrived", batch.id)
    return True
