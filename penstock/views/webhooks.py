"""The JSON of webhooks and deliveries, and of the messages that are sent."""

from typing import Literal

from pydantic import BaseModel, Field, SerializeAsAny

from penstock.domain.webhooks import MESSAGES, Delivery, DeliveryStatus, EventType, OutcomeCode, Try, Webhook
from penstock.views.tasks import UtcTime


class WebhookView(BaseModel):
    """An endpoint of the project: it is called when a task or batch ends."""

    id: str
    object: Literal["webhook"] = "webhook"
    url: str
    types: list[EventType] | None = Field(description="the events that it is called for; null: all")
    disabled: UtcTime | None = Field(description="since when nothing is sent to it, because it answered 410")
    created: UtcTime


class TryView(BaseModel):
    """One try of a delivery. `status` is the HTTP status, null if there was no response."""

    at: str
    code: OutcomeCode
    message: str
    status: int | None
    seconds: float


class DeliveryView(BaseModel):
    """One event for one receiver. `id` is the `webhook-id` of every try."""

    id: str
    object: Literal["delivery"] = "delivery"
    type: EventType
    url: str
    status: DeliveryStatus
    next_try: UtcTime | None = Field(description="null unless it is pending")
    log: list[TryView] = Field(description="the last 20 tries")
    created: UtcTime


class MessageView(BaseModel):
    """The body of a message. `data` is the Task or Batch as the API shows it."""

    type: EventType
    timestamp: UtcTime
    data: SerializeAsAny[BaseModel]


def webhook_view(webhook: Webhook) -> WebhookView:
    return WebhookView(
        id=webhook.id,
        url=webhook.url,
        types=list(webhook.types) if webhook.types else None,
        disabled=webhook.disabled,
        created=webhook.created,
    )


def delivery_view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        type=delivery.type,
        url=delivery.url,
        status=delivery.status,
        next_try=delivery.due if delivery.status == "pending" else None,
        log=[_try_view(entry) for entry in delivery.log],
        created=delivery.created,
    )


def message_body(delivery: Delivery, data: BaseModel) -> bytes:
    """The body of a delivery, as it is signed and sent."""
    return MessageView(type=delivery.type, timestamp=delivery.created, data=data).model_dump_json().encode()


def _try_view(entry: Try) -> TryView:
    return TryView(
        at=entry.at, code=entry.code, message=MESSAGES[entry.code], status=entry.status, seconds=entry.seconds
    )
