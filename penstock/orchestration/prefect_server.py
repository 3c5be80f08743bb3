"""Our own Prefect server: how it is started and configured, and what our processes need to reach it."""

import asyncio
import gzip
import logging
import os
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import certifi  # with the clients of Prefect

from penstock import __version__
from penstock.domain.errors import Misconfigured
from penstock.host.home import Home
from penstock.host.postgres import create_database, run_sql
from penstock.local_service import RunningService
from penstock.logs.records import redact_records
from penstock.settings import Settings
from penstock.settings.model import LogFormat

if TYPE_CHECKING:
    import httpx

PREFECT_DATABASE = "prefect"
END_OF_CERTIFICATE = "-----END CERTIFICATE-----\n"
# Options of libpq in a URL that asyncpg, with which Prefect connects, has too, by its names of them. It refuses others.
ASYNCPG_OPTIONS = {
    "host": "host",
    "port": "port",
    "user": "user",
    "password": "password",
    "passfile": "passfile",
    "sslmode": "ssl",
    "target_session_attrs": "target_session_attrs",
}
# Those that asyncpg takes only from the environment, as Prefect calls it.
CERTIFICATE_VARIABLES = {"sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}
DAY_SECONDS = 86_400
# Our defaults for Prefect's clients; a variable of the environment wins.
CLIENT_DEFAULTS = {
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "penstock",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # log lines of the service itself belong to no run
    # Events that cannot be sent while the server is away; more are dropped with a warning. Each takes about 2 kB.
    "PREFECT_EVENTS_WORKER_MAX_QUEUE_SIZE": "10000",
    "PREFECT_WORKER_QUERY_SECONDS": "4",
    "PREFECT_WORKER_PREFETCH_SECONDS": "0",
    "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
    "DO_NOT_TRACK": "1",
}
# Our defaults for Prefect's server. A run leaves 100 kB behind, most of it events: events are deleted after a week,
# runs and their logs after 30 days. Task runs are written in batches, up to a second late: writing each by itself costs
# the server the most CPU time of all. Services that seldom find work poll less often than every five seconds.
SERVER_DEFAULTS = {
    # By default the leases of concurrency slots are kept in memory and lost when the server dies, while their slots
    # count as taken for ever.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "7d",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(30 * DAY_SECONDS),
}


@dataclass(frozen=True, slots=True)
class PrefectAddress:
    """Where a Prefect server is reached: its API and its UI. `shown_ui` is where people reach its UI, if elsewhere."""

    api_url: str
    shown_ui: str | None = None

    @property
    def ui_url(self) -> str:
        return self.shown_ui.rstrip("/") if self.shown_ui else self.api_url.removesuffix("/").removesuffix("/api")


def set_up_logging(log_format: LogFormat) -> None:
    """Write INFO lines of `penstock` to the log, as text or as a JSON object each, and all lines of this process
    without secrets. Prefect sets up logging before, and leaves our loggers at WARNING."""
    redact_records()
    logging.getLogger("penstock").setLevel(logging.INFO)
    if log_format == "json":
        from prefect.logging.formatters import JsonFormatter  # noqa: PLC0415 - Prefect is loaded by then

        for handler in _console_handlers():
            handler.setFormatter(JsonFormatter("default", "", "%"))


def _console_handlers() -> list[logging.Handler]:
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in ("prefect", "uvicorn", "fastapi"))]
    return [each for logger in loggers for each in logger.handlers if isinstance(each, logging.StreamHandler)]


def auth_string(home: Home, settings: Settings) -> str | None:
    """`user:password` of Prefect's API: the one that is set, else the home's; None for another Prefect without one
    set."""
    given = settings.prefect_auth_string or settings.prefect_server_auth_string
    if given or settings.prefect_api_url:
        return given
    return f"penstock:{home.secret('prefect')}"


def logging_environment(log_format: LogFormat) -> dict[str, str]:
    """The environment variables that let Prefect's server log in this format."""
    return {"PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "json"} if log_format == "json" else {}


def service_environment(home: Home, running: RunningService) -> dict[str, str]:
    """The environment variables that every process of the service needs."""
    return {
        **client_environment(
            home, PrefectAddress(running.prefect_api_url, running.prefect_ui_url), running.prefect_auth
        ),
        "PENSTOCK_HOME": str(home.root),
        "PENSTOCK_DATABASE_URL": running.database_url,
        "PENSTOCK_API_KEY": running.api_key,
    }


def client_environment(home: Home, address: PrefectAddress, auth: str | None) -> dict[str, str]:
    """The environment variables of every process that uses our Prefect."""
    return {
        **_unless_set(CLIENT_DEFAULTS),
        "PREFECT_API_URL": address.api_url,
        "PREFECT_UI_URL": address.ui_url,
        **({"PREFECT_API_AUTH_STRING": auth} if auth else {}),
        "PREFECT_HOME": str(home.root / "prefect"),
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
    }


def server_environment(home: Home, address: PrefectAddress, auth: str | None, records_url: str) -> dict[str, str]:
    """The environment variables of our own server and of its clients, beside those of clients of any server."""
    return {
        **_unless_set(SERVER_DEFAULTS),
        **_place_of_the_ui(home),
        **_one_certificate(home),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": prefect_database_url(records_url),
        **_certificates(records_url),
        **({"PREFECT_SERVER_API_AUTH_STRING": auth} if auth else {}),
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": address.ui_url,
    }


def _one_certificate(home: Home) -> dict[str, str]:
    """Our own server speaks plain HTTP. Even so each client of Prefect loads the 140 certificates of certifi, in 30 ms
    and 2 MB: of this file it loads the first one alone."""
    file = home.root / "prefect" / "certificate.pem"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        first, end, _ = certifi.contents().partition(END_OF_CERTIFICATE)
        file.write_text(first + end)
    return _unless_set({"PREFECT_API_SSL_CERT_FILE": str(file)})


def _place_of_the_ui(home: Home) -> dict[str, str]:
    """Prefect copies the files of its UI beside its own code. Where that belongs to another user, as in an image, they
    are copied into the home; else there would be no UI."""
    found = find_spec("prefect")
    if found is None or found.origin is None or os.access(Path(found.origin).parent / "server", os.W_OK):
        return {}
    return _unless_set({"PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home.root / "prefect" / "ui")})


def create_prefect_database(records_url: str) -> None:
    """Create the server's database on the PostgreSQL of the records, if it does not exist; its tables are made by the
    server."""
    create_database(records_url, PREFECT_DATABASE)


def fill_prefect_database(root: Path, records_url: str) -> None:
    """The same on the embedded PostgreSQL of this home, with the tables and block types of this version of Prefect and
    our deployments: the migrations take two seconds, the blocks two more, and the deployments one or two."""
    if not create_database(records_url, PREFECT_DATABASE):
        return
    for told in (blocks_file(root), deployed_file(root)):
        told.unlink(missing_ok=True)  # of an earlier database
    if tables_file().is_file():
        tables = gzip.decompress(tables_file().read_bytes()).decode()
        run_sql(database_url_of(records_url, PREFECT_DATABASE), tables)
        blocks_file(root).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        blocks_file(root).touch()
        deployed_file(root).write_text(tables.partition("\n")[0])


def tables_file() -> Path:
    """What `pg_dump` prints of a new database of this version of Prefect with our deployments. Its first line tells of
    which `prefect.yaml` they are.

    `python -m tests.orchestration.prefect_tables` makes it."""
    return Path(__file__).with_name(f"prefect_tables_{version('prefect')}.sql.gz")


def deployed_file(root: Path) -> Path:
    """Tells which version of our deployments is in the embedded database of this home."""
    return root / "prefect" / "deployed"


def blocks_file(root: Path) -> Path:
    """A file that exists once the block types of these versions are in the embedded database."""
    return root / "prefect" / f"blocks-{version('prefect')}-{__version__}"


def _unless_set(defaults: dict[str, str]) -> dict[str, str]:
    return {name: os.environ.get(name, value) for name, value in defaults.items()}


def prefect_database_url(records_url: str) -> str:
    """The URL of Prefect's own database, on the PostgreSQL server of the records."""
    parts = urlsplit(records_url)
    user = parts.netloc or "@"
    if user.endswith("@") and ":" not in user:
        user = user.replace("@", ":@")
    options = {ASYNCPG_OPTIONS[name]: value for name, value in parse_qsl(parts.query) if name in ASYNCPG_OPTIONS}
    return urlunsplit(("postgresql+asyncpg", user, f"/{PREFECT_DATABASE}", urlencode(options, safe="/"), ""))


def _certificates(records_url: str) -> dict[str, str]:
    options = parse_qsl(urlsplit(records_url).query)
    return {CERTIFICATE_VARIABLES[name]: value for name, value in options if name in CERTIFICATE_VARIABLES}


def database_url_of(records_url: str, name: str) -> str:
    """The libpq URL of another database of the same server."""
    parts = urlsplit(records_url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def server_command(socket: int, blocks: Path | None) -> list[str]:
    """The arguments of `python -m`: the descriptor of the server's bound socket, and `blocks_file` on the embedded
    database."""
    command = ["penstock.orchestration.prefect_main", "--inherited", str(socket)]
    return [*command, *(["--blocks", str(blocks)] if blocks else [])]


def is_ready(address: PrefectAddress, http: "httpx.Client") -> bool:
    """Whether the server and its database respond."""
    import httpx  # noqa: PLC0415 - 0.2 s beside click and rich, and `penstock env` calls nobody

    try:
        return http.get(f"{address.api_url}/ready", timeout=2.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def prefect_address(settings: Settings) -> PrefectAddress:
    """The Prefect that `penstock api`, `worker` or `deploy` uses. Raises `Misconfigured` where none is set."""
    if not settings.prefect_api_url:
        raise Misconfigured('Set PREFECT_API_URL, or on the machine of `penstock up`: eval "$(penstock env)".')
    return PrefectAddress(settings.prefect_api_url, settings.prefect_ui_url)


async def wait_for_prefect(address: PrefectAddress) -> None:
    """Wait until the server responds, without a time limit."""
    import httpx  # noqa: PLC0415 - as above

    with httpx.Client(trust_env=False) as http:
        while not await asyncio.to_thread(is_ready, address, http):
            await asyncio.sleep(0.05)
