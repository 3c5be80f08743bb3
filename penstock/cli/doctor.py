"""`penstock doctor`: checks everything that a conversion needs; says for each failure what to do."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import click
import httpx

from penstock.cli.local.records import existing_records, opened_records
from penstock.domain.attempts import SLOT_LIMIT, SLOT_REQUESTED, HeldSlot
from penstock.domain.errors import MediaError, Misconfigured
from penstock.engines.tools import program_output
from penstock.host.file_systems import network_file_system
from penstock.host.home import Home, existing_records_database
from penstock.orchestration.prefect_server import PrefectAddress, is_ready, prefect_address
from penstock.sandbox.jail_trial import jail_state
from penstock.sandbox.pool import SandboxPool
from penstock.settings import Settings, read_settings
from penstock.settings.limits import ffmpeg_of

ENCODERS = ("libx264", "libvpx-vp9", "mpeg4", "aac", "libmp3lame", "libopus", "libvorbis", "flac", "pcm_s16le", "gif")
FREE_BYTES = 2 * 2**30
CLOCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Check:
    """`find` returns what was found, or raises; `remedy` says what to do then."""

    name: str
    find: Callable[[Settings], str]
    remedy: str


@click.command("doctor")
def doctor_command() -> None:
    """Check home, ffmpeg, jail, database, clock, storage, disk and Prefect, and say what to do about each failure."""
    settings = read_settings()
    passed = [_run(check, settings) for check in CHECKS]
    sys.exit(0 if all(passed) else 1)


def _run(check: Check, settings: Settings) -> bool:
    try:
        found = check.find(settings)
    except (MediaError, OSError, subprocess.SubprocessError, LookupError, Misconfigured) as error:
        click.echo(f"✗ {check.name}: {error}\n    {check.remedy}")
        return False
    click.echo(f"✓ {check.name}: {found}")
    return True


def _ffmpeg(settings: Settings) -> str:
    return _output(settings, "-version").split("\n", 1)[0]


def _encoders(settings: Settings) -> str:
    known = {words[1] for line in _output(settings, "-encoders").splitlines() if len(words := line.split()) > 1}
    if missing := [name for name in ENCODERS if name not in known]:
        raise LookupError(f"missing {', '.join(missing)}")
    return "all found"


def _output(settings: Settings, option: str) -> str:
    command = [str(ffmpeg_of(settings)), "-hide_banner", option]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def _jail(settings: Settings) -> str:
    """What a child cannot do: it has tried. Raises `LookupError` if something works, or if ffmpeg does not."""
    with SandboxPool("penstock.sandbox.forbidden_acts", settings.jail) as pool:
        state = jail_state(pool)
        if not program_output((str(ffmpeg_of(settings)), "-version"), pool):
            raise LookupError("ffmpeg does not start in the jail")
    if settings.jail != "off" and not state.is_complete:
        raise LookupError(str(state))
    return str(state)


def _database(settings: Settings) -> str:
    with existing_records(settings):
        return "reachable" if settings.database_url else "embedded, in the home"


def _clock(settings: Settings) -> str:
    import psycopg  # noqa: PLC0415 - the other checks say what is wrong where there is no database

    try:
        with existing_records_database(settings) as url, psycopg.connect(url, connect_timeout=5) as database:
            ((theirs,),) = database.execute("SELECT extract(epoch FROM clock_timestamp())").fetchall()
    except psycopg.OperationalError as error:
        raise LookupError("no response from the database") from error
    return clock_summary(time.time() - float(theirs))


def clock_summary(ahead: float) -> str:
    """How many seconds this host's clock is ahead of the database's. Raises `LookupError` if it is wrong by more than
    `CLOCK_SECONDS`: links that the API signs then expire early or late."""
    if abs(ahead) > CLOCK_SECONDS:
        raise LookupError(f"{abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} the database's")
    return "agrees with the database's"


def _storage(settings: Settings) -> str:
    if not settings.storage_url and not (settings.root / "files").exists():
        return "a folder of the home; the first start creates it"
    from penstock.storage.object_store import ObjectStore  # noqa: PLC0415 - 0.2 s, and a new home has none

    ObjectStore.at(settings.storage, settings.s3_endpoint_url).ping()
    return settings.storage.split("://", 1)[0]


def _home(settings: Settings) -> str:
    if kind := network_file_system(settings.root):
        raise OSError(f"{settings.root} is on a network disk ({kind})")
    return str(settings.root)


def _disk(settings: Settings) -> str:
    """The database and the scratch folders may have disks of their own."""
    nearest = next(place for place in (settings.root, *settings.root.parents) if place.exists())
    own = [place for place in (settings.root / "postgres", settings.scratch) if place.exists()]
    free, fullest = min((shutil.disk_usage(place).free, place) for place in (nearest, *own))
    if free < max(FREE_BYTES, settings.min_free_bytes):
        raise OSError(f"{free / 2**30:.1f} GiB free at {fullest}")
    return f"{free / 2**30:.0f} GiB free"


def _prefect(settings: Settings) -> str:
    address, _ = _prefect_of(settings)
    with httpx.Client(trust_env=False) as http:
        if not is_ready(PrefectAddress(address), http):
            raise LookupError("no response")
    return address


def _prefect_of(settings: Settings) -> tuple[str, str | None]:
    """The URL of Prefect's API, and `user:password`."""
    running = Home(settings.root).running_service()
    if running:
        return running.prefect_api_url, running.prefect_auth
    return prefect_address(settings).api_url, settings.prefect_auth_string


def _slots(settings: Settings) -> str:
    address, auth = _prefect_of(settings)
    user, _, password = (auth or "").partition(":")
    try:
        with httpx.Client(base_url=address, auth=(user, password) if auth else None, trust_env=False) as prefect:
            limit = prefect.get(f"/v2/concurrency_limits/{SLOT_LIMIT}").raise_for_status().json()
    except httpx.HTTPError as error:
        raise LookupError(f"no response from Prefect ({type(error).__name__})") from error
    with existing_records_database(settings) as url, opened_records(url) as records:
        return slot_summary(limit["active_slots"], limit["limit"], records.tasks.held_slots())


def slot_summary(counted: int, limit: int, held: list[HeldSlot]) -> str:
    """Which runs hold the slots that Prefect counts. Raises `LookupError` if no live run holds some of them."""
    holders = [f"{slot.task_id} (attempt {slot.attempt}, {slot.owner})" for slot in held if slot.slot != SLOT_REQUESTED]
    summary = f"{counted} of {limit} taken" + (f", by {', '.join(holders)}" if holders else "")
    if counted > len(held):
        raise LookupError(f"{summary}; {counted - len(held)} by no live run")
    return summary


CHECKS = (
    Check(
        "home",
        _home,
        "Move PENSTOCK_HOME to a disk of this machine: locks and the database need one. PENSTOCK_STORAGE_URL may name "
        "a folder on a network disk.",
    ),
    Check("ffmpeg", _ffmpeg, "Set PENSTOCK_FFMPEG to a working binary, or reinstall imageio-ffmpeg."),
    Check("encoders", _encoders, "This ffmpeg was built without them: unset PENSTOCK_FFMPEG to use the included one."),
    Check(
        "jail",
        _jail,
        "A file that takes over a decoder can do this. docs/operations.md says what the jail needs (PENSTOCK_JAIL).",
    ),
    Check(
        "database",
        _database,
        "Check PENSTOCK_DATABASE_URL and that the server runs; the embedded one stops on a full disk.",
    ),
    Check("clock", _clock, "Set the clock of this host, or of the database's; NTP keeps them right."),
    Check("storage", _storage, "Check PENSTOCK_STORAGE_URL, PENSTOCK_S3_ENDPOINT_URL and the AWS variables."),
    Check("disk", _disk, "Free disk space, or move PENSTOCK_HOME to another disk."),
    Check("prefect", _prefect, "Start `penstock up`, or set PREFECT_API_URL to a running server."),
    Check(
        "encoder slots",
        _slots,
        "A slot without a live run is freed within two lease times (PENSTOCK_LEASE_SECONDS) while an API runs.",
    ),
)
