"""How much work is unfinished, for what decides whether a service may end. Paused batches wait for a person."""

import psycopg

from penstock.domain.errors import DatabaseUnavailable

_COUNT = """
SELECT (SELECT count(*) FROM tasks WHERE status = 'processing' AND batch IS NULL)
     + (SELECT count(*) FROM batches WHERE status = 'processing' AND NOT paused)
     + (SELECT count(*) FROM imports WHERE status = 'processing')
"""


def unfinished_work(url: str) -> int:
    """How many tasks, batches and imports have not ended. Raises `DatabaseUnavailable`."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
            (count,) = connection.execute(_COUNT).fetchone() or (0,)
    except psycopg.Error as error:
        raise DatabaseUnavailable("The database cannot be reached.", detail=str(error)) from error
    return int(count)
