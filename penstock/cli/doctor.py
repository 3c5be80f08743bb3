"""`penstock doctor`: what a conversion needs, checked one by one, each failure with what to do about it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import click
import httpx

from penstock.domain.errors import MediaError, Misconfigured
from penstock.domain.work import SLOT_LIMIT, SLOT_REQUESTED, HeldSlot
from penstock.host.home import Home, existing_records_database
from penstock.orchestration.prefect_server import Address, address_of, is_ready
from penstock.records import Records
from penstock.services import ffmpeg_of
from penstock.settings import Settings, read_settings
from penstock.storage.objects import ObjectStore

ENCODERS = ("libx264", "libvpx-vp9", "mpeg4", "aac", "libmp3lame", "libopus", "libvorbis", "flac", "pcm_s16le", "gif")
FREE_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Check:
    """`find` answers what is there, or raises; `remedy` is what to do then."""

    name: str
    find: Callable[[Settings], str]
    remedy: str


@click.command("doctor")
def command() -> None:
    """Check ffmpeg, codecs, database, storage, disk and Prefect, and say what to do about each failure."""
    settings = read_settings()
    sound = [_examine(check, settings) for check in CHECKS]
    sys.exit(0 if all(sound) else 1)


def _examine(check: Check, settings: Settings) -> bool:
    try:
        found = check.find(settings)
    except (MediaError, OSError, subprocess.SubprocessError, LookupError, Misconfigured) as trouble:
        click.echo(f"✗ {check.name}: {trouble}\n    {check.remedy}")
        return False
    click.echo(f"✓ {check.name}: {found}")
    return True


def _ffmpeg(settings: Settings) -> str:
    return _asked(settings, "-version").split("\n", 1)[0]


def _encoders(settings: Settings) -> str:
    known = {words[1] for line in _asked(settings, "-encoders").splitlines() if len(words := line.split()) > 1}
    if missing := [name for name in ENCODERS if name not in known]:
        raise LookupError(f"missing {', '.join(missing)}")
    return "all there"


def _asked(settings: Settings, question: str) -> str:
    command = [str(ffmpeg_of(settings)), "-hide_banner", question]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def _database(settings: Settings) -> str:
    with existing_records_database(settings) as url, closing(Records(url)) as records:
        records.require_current()
    return "answers" if settings.database_url else "our own, in the home"


def _storage(settings: Settings) -> str:
    if not settings.storage_url and not (settings.root / "files").exists():
        return "a folder of the home, which the first start makes"
    ObjectStore.at(settings.storage, settings.s3_endpoint_url).ping()
    return settings.storage.split("://", 1)[0]


def _disk(settings: Settings) -> str:
    place = next(place for place in (settings.root, *settings.root.parents) if place.exists())
    free = shutil.disk_usage(place).free
    if free < FREE_BYTES:
        raise OSError(f"{free / 2**30:.1f} GiB free")
    return f"{free / 2**30:.0f} GiB free"


def _prefect(settings: Settings) -> str:
    address, _ = _prefect_of(settings)
    with httpx.Client(trust_env=False) as http:
        if not is_ready(Address(address), http):
            raise LookupError("does not answer")
    return address


def _prefect_of(settings: Settings) -> tuple[str, str | None]:
    """The address of Prefect's API, and what opens it."""
    running = Home(settings.root).running()
    if running:
        return running.prefect_api_url, running.prefect_auth
    return address_of(settings).api_url, settings.prefect_auth_string


def _slots(settings: Settings) -> str:
    address, auth = _prefect_of(settings)
    user, _, password = (auth or "").partition(":")
    try:
        with httpx.Client(base_url=address, auth=(user, password) if auth else None, trust_env=False) as prefect:
            limit = prefect.get(f"/v2/concurrency_limits/{SLOT_LIMIT}").raise_for_status().json()
    except httpx.HTTPError as away:
        raise LookupError(f"Prefect does not say ({type(away).__name__})") from away
    with existing_records_database(settings) as url, closing(Records(url)) as records:
        return taken(limit["active_slots"], limit["limit"], records.tasks.held_slots())


def taken(counted: int, limit: int, held: list[HeldSlot]) -> str:
    """Who holds the slots that Prefect counts. Raises `LookupError` where some have no live run behind them."""
    holders = [f"{slot.task_id} (attempt {slot.attempt}, {slot.owner})" for slot in held if slot.slot != SLOT_REQUESTED]
    told = f"{counted} of {limit} taken" + (f", by {', '.join(holders)}" if holders else "")
    if counted > len(held):
        raise LookupError(f"{told}; {counted - len(held)} by no live run")
    return told


CHECKS = (
    Check("ffmpeg", _ffmpeg, "Set PENSTOCK_FFMPEG to a binary that runs, or reinstall imageio-ffmpeg."),
    Check("encoders", _encoders, "This ffmpeg was built without them: unset PENSTOCK_FFMPEG to use ours."),
    Check("database", _database, "Check PENSTOCK_DATABASE_URL, and that the server runs."),
    Check("storage", _storage, "Check PENSTOCK_STORAGE_URL, PENSTOCK_S3_ENDPOINT_URL and the AWS variables."),
    Check("disk", _disk, "Free some space, or move PENSTOCK_HOME."),
    Check("prefect", _prefect, "Start `penstock up`, or set PREFECT_API_URL to a running server."),
    Check(
        "encoder slots",
        _slots,
        "A slot without a live run is freed within two lease times (PENSTOCK_LEASE_SECONDS) while an API runs.",
    ),
)
