"""`penstock status`: what runs on a home, since when, with which memory, and when it ends."""

import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from penstock.domain.errors import MediaError
from penstock.host.home import Home
from penstock.host.process_memory import memory_of_parts
from penstock.host.unfinished_work import unfinished_work
from penstock.local_service import RunningService
from penstock.settings import read_settings

# As `systemctl status` exits for a service that does not run.
EXIT_STOPPED, EXIT_BUSY = 3, 4
MB = 10**6


@dataclass(frozen=True, slots=True)
class Status:
    """`state`: `running`, `busy` while it starts or stops, or `stopped`. Memory is PSS in bytes, by part. `unfinished`:
    tasks, batches and imports; None if the database does not respond. `ends_in_seconds`: None if it does not linger."""

    state: str
    home: str
    process: int | None = None
    version: str | None = None
    since: str | None = None
    api_url: str | None = None
    prefect_ui_url: str | None = None
    memory: dict[str, int] | None = None
    memory_total: int | None = None
    unfinished: int | None = None
    is_used: bool | None = None
    ends_in_seconds: float | None = None


@click.command("status")
@click.option("--home", type=click.Path(path_type=Path), help="Folder of all data and secrets.  [default: ~/.penstock]")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def status_command(home: Path | None, *, as_json: bool) -> None:
    """Tell what runs on this home. Exits with 0 if a service runs, 3 if none does, 4 while it starts or stops."""
    found = _status(Home(read_settings(home).root))
    click.echo(json.dumps(asdict(found), indent=2) if as_json else "\n".join(_lines(found)))
    sys.exit({"running": 0, "stopped": EXIT_STOPPED}.get(found.state, EXIT_BUSY))


def _status(home: Home) -> Status:
    running = home.running_service()
    if running is None:
        return Status("busy" if home.is_claimed() else "stopped", str(home.root), home.claimed_by())
    memory = memory_of_parts(running.process, home.root)
    return Status(
        state="running",
        home=str(home.root),
        process=running.process,
        version=running.version,
        since=datetime.fromtimestamp(running.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        api_url=running.api_url,
        prefect_ui_url=running.prefect_ui_url,
        memory=memory,
        memory_total=sum(memory.values()),
        unfinished=_unfinished(running),
        is_used=home.is_used(),
        ends_in_seconds=_ends_in(running, home),
    )


def _unfinished(running: RunningService) -> int | None:
    with suppress(MediaError):
        return unfinished_work(running.database_url)
    return None


def _ends_in(running: RunningService, home: Home) -> float | None:
    if running.linger_seconds is None:
        return None
    return max(0.0, round((home.last_use() or running.started) + running.linger_seconds - time.time(), 1))


def _lines(found: Status) -> list[str]:
    match found.state:
        case "stopped":
            return [f"No service runs on {found.home}."]
        case "running":
            return _running_lines(found)
        case _:
            return [f"The service on {found.home} is starting or stopping (process {found.process})."]


def _running_lines(found: Status) -> list[str]:
    memory = found.memory or {}
    parts = ", ".join(f"{name} {size / MB:.0f}" for name, size in sorted(memory.items(), key=lambda part: -part[1]))
    total = f"{(found.memory_total or 0) / MB:.0f} MB ({parts})" if memory else "not known on this system"
    return [
        f"Runs        since {found.since}, Penstock {found.version}, process {found.process}",
        f"API         {found.api_url}",
        f"Prefect UI  {found.prefect_ui_url}",
        f"Home        {found.home}",
        f"Memory      {total}",
        f"Unfinished  {'not known' if found.unfinished is None else found.unfinished} (tasks, batches and imports)",
        f"Ends        {_end(found)}",
    ]


def _end(found: Status) -> str:
    if found.ends_in_seconds is None:
        return "when it is told to: Ctrl-C, SIGTERM or `penstock stop`"
    if found.is_used or found.unfinished:
        return "some time after its last use; it is used now (`penstock stop` ends it)"
    return f"in {found.ends_in_seconds:.0f} s, unless it is used before (`penstock stop` ends it now)"
