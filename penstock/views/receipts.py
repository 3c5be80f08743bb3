"""A receipt as its caller sees it: JSON with a signature."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from penstock.domain.api_keys import derive_key
from penstock.domain.receipt import Checks, InputFacts, StoredReceipt, Work
from penstock.domain.task import FileFacts
from penstock.views.tasks import UtcTime

_HEADERS = {"typ": "penstock-receipt"}


class ReceiptView(BaseModel):
    """What was made, how it was verified, and with which tools."""

    object: Literal["receipt"] = "receipt"
    task: str
    attempt: int
    project: str
    file: str
    made: UtcTime
    input: InputFacts | None = Field(description="null in receipts of versions that did not note it")
    output: FileFacts
    checks: Checks
    work: Work


class SignedReceiptView(ReceiptView):
    signature: str = Field(
        description="compact JWS (HS256, keyed with the project's receipt key); its payload is the rest of this object"
    )


def signed_receipt(stored: StoredReceipt, secret: str) -> SignedReceiptView:
    """The receipt with its signature; `secret` is the project's."""
    view = ReceiptView(
        task=stored.task_id,
        attempt=stored.attempt,
        project=stored.project_id,
        file=stored.file_id,
        made=stored.made,
        **{name: stored.body.get(name) for name in ("input", "output", "checks", "work")},
    )
    payload = view.model_dump(mode="json")
    return SignedReceiptView(**payload, signature=_sign(payload, derive_key("receipts", secret)))


def _sign(payload: dict[str, Any], key: str) -> str:
    # PyJWT imports cryptography, which takes 0.2 s: the first receipt waits for it, not every start of the API.
    import jwt  # noqa: PLC0415

    return jwt.encode(payload, key, algorithm="HS256", headers=_HEADERS)
