"""What the drivers share: the address of the service, the blocks of an upload, and the loop of those that block."""

import time
from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

from penstock import __version__
from penstock.client.address import Locate, ServiceAddress
from penstock.client.calls import Call, FileBody, Lost, Outcome, Send, Sleep, Steps
from penstock.client.retries import attempts
from penstock.errors import ContentMismatch

T = TypeVar("T")

BLOCK_BYTES = 1 << 20
CONNECT_SECONDS = 10.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HEADERS = {"User-Agent": f"penstock/{__version__}"}
REFUSED = "the connection was refused, or the name is unknown"
TOO_LATE = "it did not answer in time"
BROKEN = "the connection broke off"


class Connection:
    """The address that is used now. After a lost connection it is looked up again: a service that was restarted on
    this machine may have another one."""

    def __init__(self, locate: Locate) -> None:
        self.locate = locate
        self.address: ServiceAddress = locate()

    @property
    def is_local(self) -> bool:
        return urlsplit(self.address.url).hostname in LOOPBACK

    def headers_of(self, call: Call[Any]) -> dict[str, str]:
        """The headers of a call. A link is called without a key."""
        headers = dict(HEADERS) | dict(call.headers)
        if "://" not in call.path:
            headers["Authorization"] = f"Bearer {self.address.key}"
        if call.file is not None:
            headers |= {"Content-Type": call.file.type, "Content-Length": str(call.file.size)}
        return headers

    def lost(self, reason: str, blocks: "FileBlocks | None", *, may_have_arrived: bool) -> Lost:
        """What is known of a request without an answer. An upload of which a part was sent has left nothing."""
        if blocks is not None:
            size = blocks.body.size
            may_have_arrived = may_have_arrived and blocks.sent >= size
            reason += f", after {blocks.sent / 1e6:.1f} of {size / 1e6:.1f} MB"
        return Lost(reason, self.address.url, may_have_arrived)

    def renew(self) -> None:
        """Look the address up again, if there is one."""
        try:
            self.address = self.locate()
        except Exception:  # noqa: BLE001 - the old address is tried until the caller has waited long enough
            return


class FileBlocks:
    """The blocks of an upload. `sent`: how many bytes were taken so far.

    Raises `ContentMismatch` if the file has another size meanwhile: the service would wait for the rest, or store the
    beginning of a file that has grown."""

    def __init__(self, body: FileBody) -> None:
        self.body, self.sent = body, 0

    def __iter__(self) -> Iterator[bytes]:
        with self.body.path.open("rb") as file:
            while block := self.checked(file.read(BLOCK_BYTES)):
                yield block
                self.count(block)

    def checked(self, block: bytes) -> bytes:
        """The block that was read next; an empty one is the end."""
        known = self.sent + len(block)
        if known > self.body.size or (not block and known < self.body.size):
            raise ContentMismatch("The file changed while it was sent. Try again.")
        return block

    def count(self, block: bytes) -> None:
        self.sent += len(block)
        if self.body.progress is not None:
            self.body.progress("sending", 100 * self.sent // max(1, self.body.size))


class BlockingDriver:
    """Runs operations with blocking calls. Not shared between threads while an operation runs."""

    def __init__(self, locate: Locate, retry_seconds: float) -> None:
        self.connection, self.retry_seconds = Connection(locate), retry_seconds

    def send(self, call: Call[Any]) -> Outcome:
        """One try of a call."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what is open."""
        raise NotImplementedError

    def run(self, steps: Steps[T]) -> T:
        advance, argument = steps.send, None
        while True:
            try:
                step = advance(argument)
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                advance, argument = steps.send, self._perform(step)
            except BaseException as error:  # noqa: BLE001 - the operation decides, and cleans up
                advance, argument = steps.throw, error

    def _perform(self, step: Any) -> Any:
        match step:
            case Call():
                return self.run(attempts(step, self.retry_seconds))
            case Sleep(seconds):
                return time.sleep(seconds)
            case Send(call):
                return self.send(call)
        raise TypeError(step)
