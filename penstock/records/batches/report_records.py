"""What the page of an ended batch shows, read by the database."""

from sqlalchemy import Connection, text

from penstock.domain.ids import BatchId

_FAILURES = text("""
    SELECT coalesce(code, 'internal'), count(*) FROM batch_items WHERE batch_id = :batch_id AND status = 'failed'
    GROUP BY 1 ORDER BY 2 DESC, 1
""")
_SLOWEST = text("""
    SELECT coalesce(file.name, item.input), CAST(item.result ->> 'seconds' AS float8) AS seconds
    FROM batch_items AS item LEFT JOIN files AS file ON file.id = item.input
    WHERE item.batch_id = :batch_id AND item.status = 'completed' AND item.result ->> 'seconds' IS NOT NULL
    ORDER BY seconds DESC LIMIT :limit
""")


def failures_of(connection: Connection, batch_id: BatchId) -> list[tuple[str, int]]:
    """The codes of failed items, the most frequent first."""
    return [(code, count) for code, count in connection.execute(_FAILURES, {"batch_id": batch_id})]


def slowest_of(connection: Connection, batch_id: BatchId, limit: int) -> list[tuple[str, float]]:
    """The completed items that took longest: the name of the upload, or the address, and seconds."""
    found = connection.execute(_SLOWEST, {"batch_id": batch_id, "limit": limit})
    return [(name, seconds) for name, seconds in found]
