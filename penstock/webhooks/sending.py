"""Sends one delivery: its message is made anew, signed, posted, and the outcome recorded."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel

from penstock.batches.batch_facts import facts_of
from penstock.domain import errors
from penstock.domain.webhooks import Delivery, Outcome, Try, next_step, signed_headers, webhook_secret
from penstock.services import Services
from penstock.storage.webhook_post import WebhookRequest, post_webhook
from penstock.views.batches import batch_view
from penstock.views.tasks import ViewBuilder
from penstock.views.webhooks import message_body

log = logging.getLogger(__name__)

REQUEST_SECONDS = 15.0
# A message that cannot be made is a fault of ours: until it is mended, it keeps no place at its host.
BROKEN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Sender:
    """What sending needs. Links in messages start with `base_url`; `run_url` gives the page of a flow run."""

    services: Services
    base_url: str
    run_url: Callable[[str], str]
    is_stopped: Callable[[], bool]

    def send(self, delivery: Delivery) -> None:
        """Send a delivery that was claimed. A stop, or a database that is away, leaves it to another sender."""
        try:
            self._send(delivery)
        except errors.Cancelled:
            self.services.records.deliveries.release(delivery)
        except errors.DatabaseUnavailable:
            log.warning("the database became unavailable while %s was sent", delivery.id)
        except Exception:
            log.exception("%s could not be sent by an error of ours", delivery.id)
            self.services.records.deliveries.release(delivery, BROKEN_SECONDS)

    def _send(self, delivery: Delivery) -> None:
        began = datetime.now(UTC)
        outcome = self._post(delivery)
        seconds = round((datetime.now(UTC) - began).total_seconds(), 3)
        jitter = random.uniform(0.9, 1.1)  # noqa: S311
        entry = Try(began.isoformat(timespec="milliseconds"), outcome.code, outcome.status, seconds)
        step = next_step(outcome.code, delivery.tries + 1, jitter)
        self.services.records.deliveries.record(delivery, entry, step, jitter)
        log.info("%s of %s: %s", delivery.id, delivery.subject, outcome.code)

    def _post(self, delivery: Delivery) -> Outcome:
        secrets = self.services.records.keys.project_secrets(delivery.project_id)
        body = message_body(delivery, self._data(delivery, secrets[0]))
        signed = signed_headers(delivery.id, int(time.time()), body, [webhook_secret(secret) for secret in secrets])
        headers = {"Content-Type": "application/json", **signed}
        message = WebhookRequest(delivery.url, body, headers)
        return post_webhook(message, self.services.fetch_policy, REQUEST_SECONDS, self.is_stopped)

    def _data(self, delivery: Delivery, secret: str) -> BaseModel:
        records, settings = self.services.records, self.services.settings
        shown = ViewBuilder(self.base_url, secret, int(time.time()) + settings.link_seconds, self.run_url)
        if delivery.type.startswith("task."):
            return shown.task_view(records.deliveries.task_of(delivery.snapshot))
        return batch_view(facts_of(records, [records.deliveries.batch_of(delivery.snapshot)])[0], shown)
