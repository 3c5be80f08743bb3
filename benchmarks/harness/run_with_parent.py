"""`python -m benchmarks.harness.run_with_parent PARENT COMMAND…` runs the command, and ends it with its parent."""

import os
import signal
import sys

from penstock.sandbox.parent_death import die_with_parent

if __name__ == "__main__":
    parent, *command = sys.argv[1:]
    die_with_parent(int(parent), signal.SIGTERM)
    os.execvp(command[0], command)
