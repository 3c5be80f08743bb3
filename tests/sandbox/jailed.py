"""Which forbidden acts work in jails of other kernels: `python -m tests.sandbox.jailed` prints it as JSON.

A process of its own, because it forks a child for each kernel, and because each child changes for good."""

import json
import os
import sys
from dataclasses import replace

from penstock.sandbox.forbidden_acts import try_forbidden_acts
from penstock.sandbox.jail import Kernel, enter, prepared_jail, this_kernel
from penstock.sandbox.jail_trial import trial_paths
from penstock.sandbox.job import CallsJob, Paths, Rlimits

RLIMITS = Rlimits(2**31, 10, 2**20)


def main() -> None:
    ours = this_kernel()
    kernels = {f"Landlock {version} and the filter": replace(ours, landlock=version) for version in range(1, 8)}
    kernels |= {"Landlock alone": replace(ours, filters=False), "the filter alone": replace(ours, landlock=0)}
    print(json.dumps({name: allowed(kernel) for name, kernel in kernels.items()}))


def allowed(kernel: Kernel) -> list[str]:
    reading, writing = os.pipe()
    with trial_paths() as paths:
        job = CallsJob((), RLIMITS, Paths((paths.source,), (paths.output,)))
        if (pid := os.fork()) == 0:
            jail = prepared_jail("auto", kernel, (os.getcwd(),))  # noqa: PTH109
            assert jail
            enter(jail, job)
            os.write(writing, json.dumps(try_forbidden_acts(paths).allowed).encode())
            os._exit(0)
        os.close(writing)
        os.waitpid(pid, 0)
    with os.fdopen(reading) as told:
        found: list[str] = json.load(told)
    return found


if __name__ == "__main__":
    sys.exit(main())
