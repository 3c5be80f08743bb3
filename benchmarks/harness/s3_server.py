"""A real S3 on loopback: rclone over a folder."""

import os
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness.ports import free_port

RCLONE = Path(sysconfig.get_path("scripts")) / "rclone"
KEY, SECRET = "penstock", "penstock-secret"


@contextmanager
def s3_server(scratch: Path) -> Iterator[dict[str, str]]:
    """The settings of a service that stores its files in the bucket `bucket` of a new server."""
    (scratch / "s3" / "bucket").mkdir(parents=True)
    address = f"127.0.0.1:{free_port()}"
    words = [str(RCLONE), "serve", "s3", str(scratch / "s3"), "--addr", address, "--auth-key", f"{KEY},{SECRET}"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(scratch)}
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(words, env=environment, stdout=nowhere, stderr=nowhere) as server:
        try:
            yield {
                "PENSTOCK_STORAGE_URL": "s3://bucket/files",
                "PENSTOCK_S3_ENDPOINT_URL": f"http://{address}",
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        finally:
            server.terminate()
