"""`penstock webhooks listen`: prints the webhooks of the running service on this machine."""

import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import click
import httpx

from penstock.cli.local.records import existing_records
from penstock.domain.webhooks import EVENT_TYPES, signed_headers, webhook_secret
from penstock.host.home import Home
from penstock.settings import Settings, read_settings

HOST = "127.0.0.1"
MAX_BODY_BYTES = 2**20
FORBIDDEN = "The service may not call {url}; start it with PENSTOCK_FETCH_ALLOW={place}."


@click.group("webhooks")
def webhooks_command() -> None:
    """Print webhooks on this machine."""


@webhooks_command.command("listen")
@click.option("--port", type=click.IntRange(1, 65_535), default=8787, show_default=True, help="Port to listen on.")
@click.option("--type", "types", multiple=True, type=click.Choice(EVENT_TYPES), help="Only these events.")
@click.option("--json", "as_json", is_flag=True, help="Print whole messages, one a line.")
def listen(port: int, types: tuple[str, ...], *, as_json: bool) -> None:
    """Add an endpoint of the default project, print what it is sent, and remove it at the end.

    Signatures are verified. The service has to be started with PENSTOCK_FETCH_ALLOW=127.0.0.1:8787."""
    settings = read_settings()
    with existing_records(settings) as records:
        secret = webhook_secret(records.keys.project_secret(records.keys.default_project()))
    try:
        server = ThreadingHTTPServer((HOST, port), _handler(secret, as_json=as_json))
    except OSError as error:
        raise click.ClickException(f"Port {port} is taken; choose another --port.") from error
    with server, _endpoint(settings, f"http://{HOST}:{port}/", list(types)):
        click.echo(f"Listening on http://{HOST}:{port}/ · secret {secret} · Ctrl-C ends", err=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("Ended; the endpoint is removed.", err=True)


@contextmanager
def _endpoint(settings: Settings, url: str, types: list[str]) -> Iterator[None]:
    """An endpoint of the project until the block ends."""
    running = Home(settings.root).running_service()
    if running is None:
        raise click.ClickException("No service runs on this home.")
    headers = {"Authorization": f"Bearer {settings.api_key or running.api_key}"}
    try:
        with httpx.Client(base_url=running.api_url, headers=headers, trust_env=False, timeout=30.0) as http:
            added = http.post("/webhooks", json={"url": url, "types": types or None})
            _require_added(added.json(), url)
            try:
                yield
            finally:
                http.delete(f"/webhooks/{added.json()['data']['id']}")
    except httpx.HTTPError as error:
        raise click.ClickException(f"The service cannot be reached: {error}") from error


def _require_added(answer: Mapping[str, Any], url: str) -> None:
    if error := answer.get("error"):
        place = url.removeprefix("http://").rstrip("/")
        known = FORBIDDEN.format(url=url, place=place) if error["code"] == "url_forbidden" else error["message"]
        raise click.ClickException(known)


def _handler(secret: str, *, as_json: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 15.0

        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BODY_BYTES))
            is_valid = is_signed(dict(self.headers.items()), body, secret)
            click.echo(body.decode() if as_json and is_valid else _line(body) if is_valid else "a wrong signature")
            self.send_response(204 if is_valid else 401)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print messages alone."""

    return Handler


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether one of the signatures in `webhook-signature` is of this body."""
    named = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = named.get("webhook-id", ""), named.get("webhook-timestamp", "")
    if not timestamp.isdigit():
        return False
    (expected,) = signed_headers(message_id, int(timestamp), body, [secret])["webhook-signature"].split()
    given = named.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


def _line(body: bytes) -> str:
    message = json.loads(body)
    data = message["data"]
    told = (data["error"] or {}).get("code", "")
    return "  ".join(filter(None, (message["timestamp"], message["type"], data["id"], told)))
