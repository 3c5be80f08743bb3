"""A worker that has given its runs back ends, though a thread of it waits for something that never comes."""

import subprocess
import sys

WAITING = """
import sys, threading, time
from penstock.cli.worker import exit_at_the_latest
threading.Thread(target=time.sleep, args=(60,)).start()
exit_at_the_latest(75, 0.2)
sys.exit(75)
"""


def test_a_thread_that_waits_does_not_keep_a_worker_from_ending():
    assert subprocess.run([sys.executable, "-c", WAITING], timeout=30, check=False).returncode == 75
