"""A new home starts with the tables that Prefect's own migrations would make, and with our deployments.

If this fails after a change of `prefect.yaml`, of a flow's parameters or of Prefect: repeat
`python -m tests.orchestration.prefect_tables`."""

import gzip
import re

import pytest

from penstock.orchestration.prefect_server import database_url_of, fill_prefect_database, tables_file
from tests.orchestration.prefect_tables import dumped, migrated

pytestmark = pytest.mark.media
# What differs with each dump: identifiers, times, pg_dump's own key, the digests of the flows' files.
VARYING = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d [\d:.]+\+00|\\(un)?restrict \w+|\b[0-9a-f]{32}\b"
)


def alike(dump: str) -> list[list[str]]:
    """The lines with their words sorted: the order of rows, and of the keys in JSON, is not the same each time."""
    return sorted(sorted(re.findall(r"[^\s,{}\[\]]+", line)) for line in VARYING.sub("", dump).splitlines())


def test_the_tables_of_a_new_home_are_those_of_prefects_migrations(tmp_path):
    kept = gzip.decompress(tables_file().read_bytes()).decode()
    assert alike(kept) == alike(migrated(tmp_path))


def test_a_new_database_is_filled_once(new_database, tmp_path):
    url = new_database()
    fill_prefect_database(tmp_path, url)
    fill_prefect_database(tmp_path, url)
    assert "CREATE TABLE public.flow_run " in dumped(database_url_of(url, "prefect"))
    assert sorted(file.name.split("-")[0] for file in (tmp_path / "prefect").iterdir()) == ["blocks", "deployed"]
