"""`penstock worker`: claims flow runs of the work pool and runs them in this process. `drain` ends one in peace."""

import asyncio
import os
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import click

from penstock.cli.subcommands import CommandWithSubcommands
from penstock.conversion.kept_outputs import KeptOutputs
from penstock.engines import tool_versions
from penstock.host.local_workers import DRAIN_SIGNAL, local_workers
from penstock.host.private_files import PRIVATE_UMASK
from penstock.host.scratch import remove_dead_folders
from penstock.orchestration.prefect_server import prefect_address, set_up_logging, wait_for_prefect
from penstock.orchestration.worker.run_pool import queue_places
from penstock.orchestration.worker.worker_main import run_worker
from penstock.sandbox.jail_trial import log_jail_state
from penstock.services import current_services
from penstock.settings import read_settings

POLL_SECONDS = 0.5
EXIT_SECONDS = 10.0


@click.command("worker")
@click.option(
    "--slots", type=click.IntRange(min=1), help="Runs at once, without those of images. [PENSTOCK_WORKER_SLOTS]"
)
@click.option("--image-slots", type=click.IntRange(min=1), help="Runs of images at once. [PENSTOCK_IMAGE_SLOTS]")
@click.option("--name", help="What `penstock worker drain` calls it.  [default: worker-<process id>]")
@click.option("--deploy", "apply", flag_value="apply_prefect_yaml", help="First run `penstock deploy`.")
@click.option("--deploy-if-changed", "apply", flag_value="apply_if_changed", hidden=True)
@click.option("--drained-exit", type=int, default=0, hidden=True, help="Exit code after `penstock worker drain`.")
def _run(slots: int | None, image_slots: int | None, name: str | None, drained_exit: int, apply: str | None) -> None:
    """Run one worker alone. SIGTERM stops it: its runs may end for PENSTOCK_DRAIN_SECONDS, then they are given back."""
    settings = read_settings()
    address = prefect_address(settings)
    os.umask(PRIVATE_UMASK)
    set_up_logging(settings.log_format)
    import_module("penstock.flows.convert")
    services = current_services()
    remove_dead_folders(settings.scratch)
    KeptOutputs(settings.kept_outputs).remove_old()
    tool_versions(services.tools)  # starts the fork server before the first run needs it, while Prefect starts
    log_jail_state(services.tools.pool)
    asyncio.run(wait_for_prefect(address))
    if apply is not None:
        asyncio.run(getattr(import_module("penstock.deployments.bootstrap"), apply)(settings))
    places = queue_places(slots or settings.worker_slots, image_slots or settings.image_slots, settings.waiting_slots)
    try:
        is_drained = asyncio.run(run_worker(places, services, name or f"worker-{os.getpid()}"))
    except BaseException:
        exit_at_the_latest(1, EXIT_SECONDS)
        raise
    code = drained_exit if is_drained else 0
    exit_at_the_latest(code, EXIT_SECONDS)
    sys.exit(code)


def exit_at_the_latest(code: int, seconds: float) -> None:
    """End this process after so many seconds, whatever its threads do: all runs have ended or were given back, but a
    thread of one may wait for a Prefect that does not respond, and Prefect's client for its messages to be taken."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()


worker_command = CommandWithSubcommands(_run)


@worker_command.command("drain")
@click.argument("name", required=False)
@click.option("--all", "all_", is_flag=True, help="All workers of this home on this machine.")
@click.option("--wait", is_flag=True, help="Return when they have ended.")
@click.option("--home", type=click.Path(path_type=Path), help="Folder of all data and secrets.  [default: ~/.penstock]")
def drain(name: str | None, home: Path | None, *, all_: bool, wait: bool) -> None:
    """Let a worker of this machine end its runs and take no new ones; then it ends.

    There is no time limit. What a batch has left goes to other workers. `penstock up` does not restart it.
    """
    root = read_settings(home).root
    wanted = _wanted(local_workers(root), name, all_=all_)
    for each, process in wanted.items():
        os.kill(process, DRAIN_SIGNAL)
        click.echo(f"{each} takes no new runs, and ends when its runs have ended.")
    while wait and any(local_workers(root).get(each) == process for each, process in wanted.items()):
        time.sleep(POLL_SECONDS)


def _wanted(running: dict[str, int], name: str | None, *, all_: bool) -> dict[str, int]:
    """The workers to drain. Raises `click.ClickException` where it is unclear which."""
    names = ", ".join(running)
    if not running:
        raise click.ClickException("No worker of this home runs on this machine.")
    if all_ or (name is None and len(running) == 1):
        return running
    if name is None:
        raise click.UsageError(f"There are several workers, name one or give --all: {names}.")
    if name not in running:
        raise click.ClickException(f"There is no worker {name} on this machine; there are: {names}.")
    return {name: running[name]}
