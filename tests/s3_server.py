"""A real S3 server on loopback: rclone, which keeps each bucket in a folder."""

import os
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.s3_relay import S3Relay
from tests.storage.ports import free_port, until_listening

RCLONE = Path(sysconfig.get_path("scripts")) / "rclone"
AWS = {
    "AWS_ACCESS_KEY_ID": "penstock",
    "AWS_SECRET_ACCESS_KEY": "penstock-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass(frozen=True)
class Buckets:
    """The buckets of a server: each is a folder in this one. `relay`: fails uploads on demand."""

    folder: Path
    endpoint: str
    relay: S3Relay


@contextmanager
def running_s3(folder: Path, *buckets: str) -> Iterator[str]:
    """Its address; `AWS` has the credentials."""
    for bucket in buckets:
        (folder / bucket).mkdir(parents=True)
    port = free_port()
    keys = f"{AWS['AWS_ACCESS_KEY_ID']},{AWS['AWS_SECRET_ACCESS_KEY']}"
    server = subprocess.Popen(
        [RCLONE, "serve", "s3", folder, "--addr", f"127.0.0.1:{port}", "--auth-key", keys],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )
    try:
        until_listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)
