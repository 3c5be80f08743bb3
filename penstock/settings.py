"""One frozen `Settings`, read from the environment (or `.env`) here and nowhere else. Names carry their unit."""

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from penstock import setting_checks, setting_errors
from penstock.domain.errors import InvalidSettings

PREFIX = "PENSTOCK_"
# Of a checkout's tests and benchmarks: where the corpus of real files is.
ELSEWHERE = frozenset(("PENSTOCK_CORPUS",))

Bytes = Annotated[int, Field(ge=1, le=2**50)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Slots = Annotated[int, Field(ge=1, le=1024)]
Seconds = Annotated[float, Field(gt=0, le=30 * 24 * 3600.0)]
WebUrl = Annotated[str, AfterValidator(setting_checks.web_url)]


class Settings(BaseSettings):
    """Every knob of the service; each is `PENSTOCK_` and its name in capitals. One that is empty is not set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    home: Annotated[Path, AfterValidator(setting_checks.home)] = Field(
        Path("~/.penstock"), validate_default=True, description="folder of everything kept"
    )
    api_key: Annotated[str, AfterValidator(setting_checks.key)] | None = Field(
        None, description="key of the default project, made at the first start if not given"
    )
    database_url: Annotated[str, AfterValidator(setting_checks.database_url)] | None = Field(
        None, description="PostgreSQL (≥ 14) of the records; else from the wheel"
    )
    storage_url: Annotated[str, AfterValidator(setting_checks.storage_url)] | None = Field(
        None, description="file:///… or s3://bucket/prefix; else a folder of the home"
    )
    s3_endpoint_url: WebUrl | None = Field(None, description="an S3 that is not Amazon's")
    prefect_api_url: WebUrl | None = Field(
        None, validation_alias="PREFECT_API_URL", description="use this Prefect instead of our own"
    )
    prefect_auth_string: str | None = Field(
        None,
        validation_alias="PREFECT_API_AUTH_STRING",
        description="what opens the Prefect server, `user:password`; generated for our own",
    )
    prefect_server_auth_string: str | None = Field(
        None, validation_alias="PREFECT_SERVER_API_AUTH_STRING", description="the same, as the server is told"
    )
    public_url: WebUrl | None = Field(None, description="base of the links in answers")
    allowed_hosts: Annotated[str, AfterValidator(setting_checks.hosts)] = Field(
        "", description="comma list of hosts a request may name when listening on 0.0.0.0"
    )
    fetch_allow: Annotated[str, AfterValidator(setting_checks.fetch_allow)] = Field(
        "", description="host:port or CIDR, comma separated, that may be fetched although private"
    )
    allow_pairs: Annotated[str, AfterValidator(setting_checks.pairs)] = Field(
        "", description="refused pairs to lift, e.g. mov:mp3"
    )
    transcode_slots: Slots = Field(os.cpu_count() or 1, description="encoders at once on the whole system")
    worker_slots: Slots = Field(4, description="flow runs at once in one worker, those of pictures apart")
    image_slots: Slots = Field(4, description="flow runs of pictures at once in one worker")
    retention_days: float | None = Field(
        None, gt=0, le=36_500, description="outputs and uploads older than this are deleted"
    )
    links: Literal["api", "redirect"] = Field("api", description="who serves the bytes of a link")
    ffmpeg: Annotated[Path, AfterValidator(setting_checks.program)] | None = Field(
        None, description="another ffmpeg binary"
    )
    jail: Annotated[Literal["auto", "off", "require"], AfterValidator(setting_checks.jail)] = Field(
        "auto", description="`auto` or `off`; `require` is refused, for no jail exists yet"
    )

    max_video_input_bytes: Bytes = Field(16 * 2**30, description="largest video taken")
    max_audio_input_bytes: Bytes = Field(2 * 2**30, description="largest audio taken")
    max_image_input_bytes: Bytes = Field(256 * 2**20, description="largest image taken")
    max_output_bytes: Bytes = Field(4 * 2**30, description="largest output written")
    max_image_pixels: Count = Field(50_000_000, description="largest still image; twice that for JPEG")
    max_image_side_pixels: Count = Field(16_384, description="longest side of a still image")
    max_animation_frames: Count = Field(1000, description="frames of an animation, in or out")
    max_animation_pixels: Count = Field(250_000_000, description="pixels of an animation, all frames together")
    max_video_pixels: Count = Field(8192 * 4320, description="pixels of a video frame")
    max_video_fps: float = Field(240.0, gt=0, le=10_000, description="frames a second of a video taken")
    max_video_frames: Count = Field(4 * 3600 * 120, description="frames of a video taken")
    max_audio_channels: int = Field(8, ge=1, le=255, description="channels of an audio stream taken")
    max_audio_sample_rate_hz: Count = Field(192_000, description="samples a second of an audio stream taken")
    max_duration_seconds: Seconds = Field(4 * 3600.0, description="longest video or audio taken")
    max_body_bytes: int = Field(64 * 1024, ge=1024, le=2**30, description="largest JSON body")
    max_plan_bytes: Bytes = Field(64 * 2**20, description="most bytes of an input that are read to plan with it")
    max_streams: int = Field(32, ge=1, le=1000, description="streams of one input")
    fetch_connect_seconds: Seconds = Field(5.0, description="to connect to an origin")
    fetch_read_seconds: Seconds = Field(15.0, description="silence of an origin")
    fetch_total_seconds: Seconds = Field(
        600.0, description="one whole download; PENSTOCK_FETCH_EXPECTED_BYTES_PER_SECOND gives a large one more"
    )
    fetch_expected_bytes_per_second: int = Field(
        2**20, ge=1, le=2**40, description="a download may take as long as its announced size does at this rate"
    )
    fetch_min_bytes_per_second: int = Field(
        16 * 1024, ge=0, le=2**40, description="a download slower than this is given up"
    )
    fetch_grace_seconds: float = Field(
        10.0, ge=0, le=86_400, description="how long a download may be as slow as it likes"
    )
    fetch_redirects: int = Field(5, ge=0, le=20, description="redirects followed")
    transcode_min_seconds: Seconds = Field(120.0, description="least deadline of an encoder")
    transcode_max_seconds: Seconds = Field(4 * 3600.0, description="greatest deadline of an encoder")
    transcode_seconds_per_second: float = Field(
        10.0, gt=0, le=10_000, description="deadline of an encoder for each second of media"
    )
    child_memory_bytes: int = Field(
        3 * 2**30, ge=2**28, le=2**50, description="memory of a child (8 GiB above 3840×2160)"
    )
    lease_seconds: float = Field(
        60.0, ge=1, le=86_400, description="a run that has not been heard of for so long is lost"
    )
    attempts: int = Field(3, ge=1, le=100, description="how often a lost run is started anew")
    queue_per_project: Count = Field(10_000, description="unfinished tasks of one project")
    queue_total: Count = Field(100_000, description="unfinished tasks of all projects")
    running_per_project: Count | None = Field(
        None, description="runs of one project at once, on the whole system; else as many as there are slots"
    )
    requests_per_minute: Count = Field(6_000, description="POSTs of one key a minute, in bursts of a third of it")
    reads_per_minute: Count = Field(
        60_000, description="other requests of one key a minute, in bursts of a third of it"
    )
    failed_keys_per_minute: Count = Field(
        60, description="unknown keys that one address may send a minute, in bursts of a third of it"
    )
    failed_links_per_minute: Count = Field(
        600, description="invalid links that one address may open a minute, in bursts of a third of it"
    )
    max_connections: Count = Field(2_000, description="open connections to one API process")
    max_connections_per_address: Count = Field(
        256, description="open connections of one address; proxies (FORWARDED_ALLOW_IPS) are exempt"
    )
    max_request_line_bytes: Bytes = Field(8 * 1024, description="longest path and query of a request")
    max_header_bytes: Bytes = Field(32 * 1024, description="request line and headers of a request")
    max_headers: Count = Field(100, description="headers of a request")
    header_seconds: Seconds = Field(10.0, description="within which the headers of a request must arrive")
    unread_seconds: Seconds = Field(60.0, description="how long a caller may read nothing of an answer")
    upload_min_bytes_per_second: Bytes = Field(4 * 1024, description="a body that arrives more slowly is given up")
    upload_grace_seconds: Seconds = Field(30.0, description="how long nothing of a body may arrive")
    receipt_frames: int = Field(
        5, ge=0, le=250, description="frames of an encoded video that are scored against the input; 0 scores none"
    )
    receipt_stills: bool = Field(
        default=False, description="whether stills are scored too: about as much work as making them"
    )
    plans_at_once: int = Field(
        2, ge=1, le=1024, description="plans made at once in one API process; four of a project wait for each"
    )
    plan_seconds: Seconds = Field(20.0, description="how long looking at an input may take to plan with it")
    link_seconds: int = Field(3600, ge=1, le=7 * 86_400, description="how long a signed link works")
    drain_seconds: float = Field(30.0, ge=0, le=86_400, description="how long a stop waits for running work")

    @model_validator(mode="before")
    @classmethod
    def _without_the_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if value != ""}

    @field_validator("prefect_server_auth_string")
    @classmethod
    def _one_secret(cls, secret: str | None, known: ValidationInfo) -> str | None:
        if secret and (known.data.get("prefect_auth_string") or secret) != secret:
            raise ValueError("must be the same as PREFECT_API_AUTH_STRING: they are one secret")
        return secret

    @field_validator("transcode_max_seconds")
    @classmethod
    def _not_below_the_least(cls, greatest: float, known: ValidationInfo) -> float:
        least = known.data.get("transcode_min_seconds", greatest)
        if greatest < least:
            raise ValueError(f"must be at least PENSTOCK_TRANSCODE_MIN_SECONDS, which is {least:g}")
        return greatest

    @cached_property
    def root(self) -> Path:
        """The home, absolute."""
        return self.home.expanduser().resolve()

    @property
    def allowed_pairs(self) -> frozenset[tuple[str, str]]:
        """`mov:mp3,…` as pairs of an input's container and an output format."""
        pairs = (pair.strip().partition(":") for pair in self.allow_pairs.split(",") if pair.strip())
        return frozenset((source, target) for source, _, target in pairs)

    @property
    def threads_per_encoder(self) -> int:
        """So many that all slots together use each core once."""
        return max(1, (os.cpu_count() or 1) // self.transcode_slots)

    @property
    def scratch(self) -> Path:
        return self.root / "scratch"

    @property
    def storage(self) -> str:
        return self.storage_url or (self.root / "files").as_uri()


def variable_of(name: str) -> str:
    """What a field is called in the environment."""
    return str(Settings.model_fields[name].validation_alias or PREFIX + name.upper())


def read_settings(home: Path | None = None) -> Settings:
    """The settings of this environment; `home` wins over its own. Raises `InvalidSettings` with all that is wrong."""
    variables = {name: variable_of(name) for name in Settings.model_fields}
    found: list[str] = []
    try:
        found += setting_errors.of_names(dotenv_values(".env") | os.environ, frozenset(variables.values()) | ELSEWHERE)
        settings = Settings() if home is None else Settings(home=home)
    except ValidationError as invalid:
        found += setting_errors.of_values(invalid, variables)
        raise InvalidSettings(*found) from None  # pydantic's own text would show values, which may be secrets
    except (OSError, UnicodeDecodeError) as unreadable:
        raise InvalidSettings(f"The file .env cannot be read: {unreadable}.") from unreadable
    if found:
        raise InvalidSettings(*found)
    return settings
