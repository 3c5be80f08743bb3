"""A receiver of webhooks: `pip install fastapi uvicorn standardwebhooks`, then, with the secret that
`penstock keys webhook-secret` shows, `WEBHOOK_SECRET=whsec_… uvicorn webhook_receiver:app --port 9000`."""

import os
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from standardwebhooks import Webhook, WebhookVerificationError

app, webhook = FastAPI(), Webhook(os.environ["WEBHOOK_SECRET"])
ended: dict[str, dict[str, Any]] = {}


@app.post("/penstock", status_code=204)
async def receive(request: Request) -> None:
    try:
        message = webhook.verify(await request.body(), dict(request.headers))
    except WebhookVerificationError as error:
        raise HTTPException(401) from error
    ended.setdefault(request.headers["webhook-id"], message)  # a message may come twice, with the same id
