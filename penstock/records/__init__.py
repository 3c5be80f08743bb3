"""The records in PostgreSQL: tasks, files, batches, webhooks, keys. Synchronous; the API calls it from threads."""

from sqlalchemy import text

from penstock.domain.errors import Misconfigured
from penstock.records import migrations
from penstock.records.api_keys import Keys
from penstock.records.arrivals import Arrivals
from penstock.records.batches.batch_records import Batches
from penstock.records.batches.chunk_records import Chunks
from penstock.records.batches.item_records import BatchItems
from penstock.records.batches.run_records import UnfinishedRuns
from penstock.records.conversions import Conversions
from penstock.records.database import Database
from penstock.records.deliveries import Deliveries
from penstock.records.event_outbox import EventOutbox
from penstock.records.files import Files
from penstock.records.incoming.imports import Imports
from penstock.records.metrics import Metrics
from penstock.records.receipts import Receipts
from penstock.records.tasks import Tasks
from penstock.records.webhooks import Webhooks

__all__ = ["Records"]


class Records:
    """The records of one database. An attempt without heartbeats for `lease_seconds` can be taken by another owner."""

    def __init__(self, url: str, lease_seconds: float = 60.0) -> None:
        self.url = url
        self._database = Database(url)
        self.tasks = Tasks(self._database, lease_seconds)
        self.files = Files(self._database)
        self.imports = Imports(self._database, lease_seconds)
        self.conversions = Conversions(self._database, lease_seconds)
        self.receipts = Receipts(self._database)
        self.keys = Keys(self._database)
        self.batches = Batches(self._database, lease_seconds)
        self.unfinished_runs = UnfinishedRuns(self._database)
        self.batch_items = BatchItems(self._database)
        self.chunks = Chunks(self._database, lease_seconds)
        self.webhooks = Webhooks(self._database)
        self.deliveries = Deliveries(self._database)
        self.arrivals = Arrivals(self._database)
        self.event_outbox = EventOutbox(self._database)
        self.metrics = Metrics(self._database)

    def migrate(self) -> None:
        """Upgrade the tables to this version. Several processes may call it at once."""
        with self._database.writing() as connection:
            migrations.upgrade(connection)

    def require_current(self) -> None:
        """Raise `Misconfigured` unless the tables are of this version."""
        with self._database.reading() as connection:
            if not migrations.is_current(connection):
                raise Misconfigured("The tables of the database are not of this version; `penstock up` upgrades them.")

    def ping(self) -> None:
        """Raise `DatabaseUnavailable` if the database does not respond, or takes no writes."""
        with self._database.reading() as connection:
            connection.execute(text("SELECT FROM organisations WHERE false FOR UPDATE"))

    def close(self) -> None:
        self._database.close()
