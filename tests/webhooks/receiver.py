"""A web server that keeps what it is sent, and answers with the status that the path names: `/204`, `/410`, …"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from penstock.domain.webhooks import webhook_secret


@dataclass(frozen=True)
class Message:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, project_secret: str) -> dict[str, Any]:
        """Its content. Raises `WebhookVerificationError` for a wrong signature."""
        found: dict[str, Any] = Webhook(webhook_secret(project_secret)).verify(self.body, self.headers)
        return found


@dataclass
class Receiver:
    """`on_message` is called before the answer."""

    url: str = ""
    messages: list[Message] = field(default_factory=list)
    on_message: Callable[[Message], None] = lambda _message: None
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.messages.append(Message(self.path, headers, body))
            receiver.on_message(receiver.messages[-1])
            if self.path == "/hang":
                receiver.released.wait(30)
            self.answer(int(self.path.strip("/")) if self.path.strip("/").isdigit() else 200)

        def answer(self, status: int) -> None:
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{receiver.url}/200")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # senders hang up at their deadline
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
