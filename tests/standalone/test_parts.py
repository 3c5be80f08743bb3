"""The processes of the service, each run alone."""

import os
import signal
import subprocess
import sys

import httpx
import pytest

from tests.service import processes_of, wait_for
from tests.storage.ports import free_port

pytestmark = pytest.mark.service


def test_an_api_alone_stops_its_database(home):
    port = free_port()
    command = [sys.executable, "-m", "penstock", "api", "--port", str(port)]
    alone = {"PENSTOCK_HOME": str(home), "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}
    api = subprocess.Popen(command, env={"PATH": os.environ["PATH"]} | alone, start_new_session=True)
    told = wait_for(lambda: health(port), 90)
    assert (told.status_code, told.json()["data"]["status"]) == (200, "degraded")
    assert told.json()["data"]["dependencies"]["workers"] == "degraded"

    api.send_signal(signal.SIGTERM)
    assert api.wait(30) == 0
    assert processes_of(home) == []


def health(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
    except httpx.HTTPError:
        return None
