"""Webhooks: who is called, how a message is signed, and when it is sent again. Pure.

The scheme is that of Standard Webhooks (https://www.standardwebhooks.com); its retry schedule spans 76 h."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from penstock.domain.api_keys import derive_key
from penstock.domain.ids import DeliveryId, ProjectId, WebhookId

EventType = Literal[
    "task.completed", "task.failed", "task.cancelled", "batch.completed", "batch.failed", "batch.cancelled"
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
DeliveryStatus = Literal["pending", "delivered", "failed", "stopped"]
OutcomeCode = Literal[
    "delivered",
    "gone",
    "redirected",
    "rejected",
    "unavailable",
    "timed_out",
    "unreachable",
    "address_forbidden",
    "certificate_invalid",
    "response_invalid",
    "expired",
]

MESSAGES: Mapping[OutcomeCode, str] = {
    "delivered": "The receiver accepted the delivery.",
    "gone": "The receiver answered 410: it is disabled, and nothing more is sent to it.",
    "redirected": "The receiver answered with a redirect, which is not followed; give the final address.",
    "rejected": "The receiver did not answer with a status from 200 to 299.",
    "unavailable": "The receiver answered that it cannot accept the delivery at the moment.",
    "timed_out": "The receiver did not answer within 15 seconds.",
    "unreachable": "The receiver cannot be reached: its name is unknown, or it accepts no connection.",
    "address_forbidden": "The address is not public; the operator can allow it by PENSTOCK_FETCH_ALLOW.",
    "certificate_invalid": "The certificate of the receiver is not trusted.",
    "response_invalid": "The receiver did not answer with valid HTTP.",
    "expired": "The receiver could not be reached for 76 hours.",
}
# Of these the host is at fault, not one delivery: its others wait too.
HOST_FAILURES: frozenset[OutcomeCode] = frozenset(
    ("unavailable", "timed_out", "unreachable", "certificate_invalid", "response_invalid")
)
MINUTE, HOUR = 60.0, 3600.0
# The delays after each failed try, of https://github.com/standard-webhooks/standard-webhooks (spec, "Retries").
RETRY_SECONDS = (
    5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
MAX_HOST_PAUSE_SECONDS = 5 * MINUTE
SECRET_PREFIX = "whsec_"  # noqa: S105 - public


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint of a project: it is called for every event of `types` (None: all). `disabled` since it answered
    410."""

    id: WebhookId
    project_id: ProjectId
    url: str = field(repr=False)
    types: tuple[EventType, ...] | None
    created: datetime
    disabled: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one try; `status` is the HTTP status, if there was a response."""

    code: OutcomeCode
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """An entry of the log of a delivery. `seconds` is how long the request took."""

    at: str
    code: OutcomeCode
    status: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one receiver. `id` is the `webhook-id` of all its tries. `subject` is the id of the Task or Batch,
    `snapshot` its row when it ended. `tries` counts those since it was made or replayed; `log` has the last ones."""

    id: DeliveryId
    project_id: ProjectId
    webhook_id: WebhookId
    url: str = field(repr=False)
    host: str
    subject: str
    type: EventType
    status: DeliveryStatus
    tries: int
    created: datetime
    due: datetime
    log: tuple[Try, ...] = ()
    snapshot: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class EndedEvent:
    """The end of a task or batch, of which Prefect is to be told; `snapshot` is its row."""

    id: str
    project_id: ProjectId
    subject: str
    type: EventType
    created: datetime
    snapshot: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class NextStep:
    """What follows a try: the delivery's status; with `pending` another try after `seconds`."""

    status: DeliveryStatus
    seconds: float = 0.0


def webhook_id(project_id: ProjectId, url: str, subject: str | None = None) -> WebhookId:
    """The id of a receiver: the same one for the same address."""
    text = "\n".join((project_id, subject or "", url))
    return WebhookId("whk_" + hashlib.sha256(text.encode()).hexdigest()[:32])


def host_of(project_id: ProjectId, url: str) -> str:
    """Project, host and port: receivers with the same ones share requests and pauses. Many projects use the same public
    hosts, and one's failures must not hold up the others."""
    return f"{project_id} {urlsplit(url).netloc.rpartition('@')[2].lower()}"


def webhook_secret(project_secret: str) -> str:
    """The project's key for webhooks as Standard Webhooks writes it: `whsec_` and 256 bits in base64."""
    key = base64.urlsafe_b64decode(derive_key("webhooks", project_secret) + "=")
    return SECRET_PREFIX + base64.b64encode(key).decode()


def signed_headers(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of a message. `timestamp`: seconds since 1970. `secrets`: the present one first; while an earlier one
    is accepted, `webhook-signature` has a signature with each."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_signature(content, secret)}" for secret in secrets),
        "Ittybit-Signature": hmac.new(secrets[0].encode(), body, hashlib.sha256).hexdigest(),
    }


def _signature(content: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def code_of_status(status: int) -> OutcomeCode:
    """What an HTTP status means for a delivery."""
    if 200 <= status < 300:
        return "delivered"
    if 300 <= status < 400:
        return "redirected"
    if status == 410:
        return "gone"
    return "unavailable" if status == 429 or status >= 500 else "rejected"


def next_step(code: OutcomeCode, tries: int, jitter: float) -> NextStep:
    """What follows after `tries` tries, the last with this result. `jitter`: a factor of the delay."""
    if code == "delivered":
        return NextStep("delivered")
    if code == "gone":
        return NextStep("stopped")
    if code == "expired" or tries > len(RETRY_SECONDS):
        return NextStep("failed")
    return NextStep("pending", RETRY_SECONDS[tries - 1] * jitter)


def host_pause_seconds(failures: int, jitter: float) -> float:
    """How long nothing is sent to a host after so many failures in a row."""
    return min(RETRY_SECONDS[0] * 2.0 ** min(failures - 1, 10), MAX_HOST_PAUSE_SECONDS) * jitter
