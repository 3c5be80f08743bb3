"""Pages of `GET /tasks` over ten thousand, a hundred thousand and a million rows: a list may not slow with its length.

The rows are written straight into the records of a running service, in the shape of `penstock/records/tables.py`.
"""

import statistics
import time
from collections.abc import Sequence

import httpx
import psycopg

from benchmarks.harness.report import Row
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up
from benchmarks.service.latency import percentile

TITLE = "Lists"
SIZES = (10_000, 100_000, 1_000_000)
READS = 200
BAR = 1.5
# What is asked for, and how often it is among the rows.
PAGES = {
    "first page": "",
    "kind=image": "?kind=image",
    "format=gif (1 in 12)": "?format=gif",
    "status=failed (1 in 100)": "?status=failed",
    "kind=audio&status=failed (1 in 300)": "?kind=audio&status=failed",
    "status=processing (none)": "?status=processing",
}
_FORMATS = "'{mp4,webm,mov,avi,mp3,wav,ogg,flac,jpeg,png,webp,gif}'::text[]"
FILL = f"""
WITH numbered AS (
    SELECT n, ({_FORMATS})[1 + n %% 12] AS format, n %% 100 = 7 AS failed, lpad(n::text, 24, '0') AS id,
           now() - (%(last)s - n) * interval '1 second' AS moment,
           (SELECT id FROM projects ORDER BY created LIMIT 1) AS project
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
), kinds AS (
    SELECT *, CASE WHEN n %% 12 < 4 THEN 'video' WHEN n %% 12 < 8 THEN 'audio' ELSE 'image' END AS kind FROM numbered
), outputs AS (
    INSERT INTO files (id, project_id, object, key, task_id, kind, format, type, filesize, sha256, created, updated)
    SELECT 'file_' || id, project, 'source', 'file_' || id, 'tsk_' || id, kind, format, kind || '/' || format,
           1000 + n, md5(n::text), moment, moment
    FROM kinds WHERE NOT failed
)
INSERT INTO tasks (id, project_id, fingerprint, request, kind, format, status, state, progress, output_id, error,
                   created, updated)
SELECT 'tsk_' || id, project, md5('f' || n),
       jsonb_build_object('url', 'https://example.com/' || n, 'kind', kind, 'format', format),
       kind, format, CASE WHEN failed THEN 'failed' ELSE 'completed' END,
       CASE WHEN failed THEN 'failed' ELSE 'completed' END, 100,
       CASE WHEN failed THEN NULL ELSE 'file_' || id END,
       CASE WHEN failed THEN '{{"code": "encoder_failed", "message": "It failed."}}'::jsonb END, moment, moment
FROM kinds
"""


def rows(amount: Amount) -> list[Row]:
    sizes = tuple(amount.of(size) for size in SIZES)
    with penstock_up() as running:
        figures = [_at(running, first, last, amount) for first, last in zip((0, *sizes), sizes, strict=False)]
    return [_row(name, [each[name] for each in figures], sizes) for name in PAGES]


def fill(database_url: str, first: int, last: int) -> None:
    """Tasks that have ended, numbered, the later the younger, with their outputs; counted by the planner."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE tasks DISABLE TRIGGER ALL")  # each output is there, made by the same statement
        connection.execute(FILL, {"first": first, "last": last})
        connection.execute("ALTER TABLE tasks ENABLE TRIGGER ALL")
        connection.execute("VACUUM (ANALYZE) tasks")
        connection.execute("VACUUM (ANALYZE) files")


def _at(running: Running, first: int, last: int, amount: Amount) -> dict[str, float]:
    """Each page's p99 in seconds, with `last` rows there."""
    fill(running.service.database_url, first + 1, last)
    headers = {"Authorization": f"Bearer {running.key}"}
    with httpx.Client(base_url=running.service.api_url, headers=headers, trust_env=False, timeout=60.0) as http:
        return {
            name: _p99(http, f"/tasks{query}", amount.of(READS, 30), amount.rounds) for name, query in PAGES.items()
        }


def _p99(http: httpx.Client, path: str, reads: int, rounds: int) -> float:
    """The middle of the rounds' p99, so that one hiccup of the machine is no row's."""
    for _ in range(10):
        http.get(path).raise_for_status()
    return statistics.median(percentile(sorted(_read(http, path) for _ in range(reads)), 99) for _ in range(rounds))


def _read(http: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    http.get(path).raise_for_status()
    return time.perf_counter() - began


def _row(name: str, p99: Sequence[float], sizes: Sequence[int]) -> Row:
    small, *_, large = p99
    ratio = large / small
    return Row(
        what=f"GET /tasks, {name}, p99 at {sizes[-1]:,} rows",
        ours=f"{1000 * large:.1f} ms",
        peer=f"itself at {sizes[0]:,} rows",
        peer_figure=f"{1000 * small:.1f} ms",
        ratio=round(ratio, 2),
        spread=None,
        bar=f"≤ {BAR}",
        met=round(ratio, 2) <= BAR,
        note=", ".join(f"{size:,}: {1000 * seconds:.1f} ms" for size, seconds in zip(sizes, p99, strict=True)),
    )
