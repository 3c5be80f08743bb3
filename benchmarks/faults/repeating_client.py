"""A caller that repeats what the service could not take, and looks at what it got in the end."""

import hashlib
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from benchmarks.faults.fault_run import FaultRun
from benchmarks.harness.json_client import JsonClient, Refused

LONGEST_PAUSE_SECONDS = 1.0
ACCEPTED, AWAY = "200", "503 with Retry-After"


class RepeatingClient(JsonClient):
    """Requests a conversion until it is accepted, and counts the answers."""

    def __init__(self, base_url: str, api_key: str) -> None:
        super().__init__(base_url, api_key)
        self.answers: Counter[str] = Counter()

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Raises `Refused` where repeating is of no use."""
        while (response := self._http.post("/tasks", json=request)).status_code != httpx.codes.OK:
            self.answers[_told(response)] += 1
            if response.is_client_error:
                raise Refused(response.text)
            time.sleep(min(LONGEST_PAUSE_SECONDS, float(response.headers.get("Retry-After", 0))))
        self.answers[ACCEPTED] += 1
        task: dict[str, Any] = response.json()["data"]
        return task

    def told(self) -> str:
        """How many answers there were of each kind."""
        return "POSTs: " + ", ".join(f"{count} × {answer}" for answer, count in sorted(self.answers.items()))

    def differences(self, run: FaultRun) -> dict[str, int]:
        """What is not as it was promised: answers, tasks, and the bytes of the outputs."""
        listed = self._http.get("/tasks", params={"limit": 1}).raise_for_status().json()["meta"]["total"]
        outputs = [self.task(task)["output"] for task in run.asked]
        return {
            "other answers to a POST": sum(self.answers.values()) - self.answers[ACCEPTED] - self.answers[AWAY],
            "tasks beside those that were asked for": listed - len(run.asked),
            "bytes missing": sum(map(self._missing_bytes, outputs)),
        }

    def _missing_bytes(self, file: dict[str, Any]) -> int:
        """Of a File that is downloaded: all of them if its size or its sha256 is another."""
        with tempfile.TemporaryDirectory() as folder:
            self.download(file["url"], target := Path(folder) / "output")
            told = (target.stat().st_size, hashlib.sha256(target.read_bytes()).hexdigest())
        return 0 if told == (file["filesize"], file["sha256"]) else int(file["filesize"])


def _told(response: httpx.Response) -> str:
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE and "Retry-After" in response.headers:
        return AWAY
    return f"{response.status_code} {response.text[:200]}"
