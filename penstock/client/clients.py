"""The clients: the same methods, one class blocks and the other one awaits."""

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from penstock.client import conversions, operations, transfers
from penstock.client.address import behind, located
from penstock.client.calls import Steps
from penstock.client.connection import BlockingDriver
from penstock.client.methods import ListMethod, Method
from penstock.client.operations import Listing

T = TypeVar("T")

RETRY_SECONDS = 30.0


class Methods:
    """What both clients can do. Every method raises the errors of `penstock.errors`."""

    convert = Method(conversions.convert)
    start = Method(conversions.start)
    create = Method(operations.create)
    plan = Method(operations.plan)
    wait = Method(conversions.wait_for_task)
    task = Method(operations.task)
    tasks = ListMethod(operations.tasks)
    receipt = Method(operations.receipt)
    cancel = Method(operations.cancel)
    upload = Method(transfers.upload)
    download = Method(transfers.download)
    file = Method(operations.file)
    files = ListMethod(operations.files)
    source = Method(operations.source)
    sources = ListMethod(operations.sources)
    import_file = Method(operations.import_file)
    update_file = Method(operations.update_file)
    sign_upload = Method(operations.sign_upload)
    sign_download = Method(operations.sign_download)
    delete = Method(operations.delete)
    create_batch = Method(operations.create_batch)
    batch = Method(operations.batch)
    batches = ListMethod(operations.batches)
    batch_items = ListMethod(operations.batch_items)
    wait_for_batch = Method(conversions.wait_for_batch)
    pause_batch = Method(operations.pause_batch)
    resume_batch = Method(operations.resume_batch)
    project = Method(operations.project)
    cancel_batch = Method(operations.cancel_batch)
    rerun_batch = Method(operations.rerun_batch)


class Client(Methods):
    """A blocking client. Without `url` and `key`: those of the environment, else of the service on this machine.

    `retry_seconds`: how long a call is repeated while the service is away, busy or full, where that is safe."""

    def __init__(self, url: str | None = None, key: str | None = None, *, retry_seconds: float = RETRY_SECONDS) -> None:
        from penstock.client.drivers import SyncDriver  # noqa: PLC0415 - httpx takes longer to import than all else

        self._driver: BlockingDriver = SyncDriver(lambda: located(url, key), retry_seconds)

    @classmethod
    def behind(cls, link: str | None) -> Self:
        """A client of the service that this link leads to."""
        address = behind(link)
        return cls(address.url, address.key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address of the service."""
        return self._driver.connection.address.url

    def close(self) -> None:
        self._driver.close()

    def run(self, steps: Steps[T]) -> T:
        """Run an operation."""
        return self._driver.run(steps)

    def entries(self, listing: Listing[T]) -> Iterator[T]:
        """The entries of all pages. What moved to the next page meanwhile is not repeated."""
        before: list[Any] = []
        number, pages = 1, 1
        while number <= pages:
            page = self._driver.run(operations.whole(listing.page(number)))
            yield from operations.new_entries(page.data, before)
            before, pages, number = page.data, page.meta.pages, number + 1


class AsyncClient(Methods):
    """The same for asyncio and trio. `async with AsyncClient() as client: await client.task(…)`."""

    def __init__(self, url: str | None = None, key: str | None = None, *, retry_seconds: float = RETRY_SECONDS) -> None:
        from penstock.client.drivers import AsyncDriver  # noqa: PLC0415

        self._driver = AsyncDriver(lambda: located(url, key), retry_seconds)

    @classmethod
    def behind(cls, link: str | None) -> Self:
        """A client of the service that this link leads to."""
        address = behind(link)
        return cls(address.url, address.key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """The address of the service."""
        return self._driver.connection.address.url

    async def close(self) -> None:
        await self._driver.http.aclose()

    async def run(self, steps: Steps[T]) -> T:
        """Run an operation."""
        return await self._driver.run(steps)

    async def entries(self, listing: Listing[T]) -> AsyncIterator[T]:
        """The entries of all pages. What moved to the next page meanwhile is not repeated."""
        before: list[Any] = []
        number, pages = 1, 1
        while number <= pages:
            page = await self._driver.run(operations.whole(listing.page(number)))
            for entry in operations.new_entries(page.data, before):
                yield entry
            before, pages, number = page.data, page.meta.pages, number + 1
