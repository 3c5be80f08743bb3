"""All settings. Each name has its unit."""

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from penstock.sandbox.job import JailMode
from penstock.settings import checks
from penstock.settings.allowed_pairs import parse_pairs

Bytes = Annotated[int, Field(ge=1, le=2**50)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Slots = Annotated[int, Field(ge=1, le=1024)]
SlotsOrNone = Annotated[int, Field(ge=0, le=1024)]
Seconds = Annotated[float, Field(gt=0, le=30 * 24 * 3600.0)]
LogFormat = Literal["text", "json"]
WebUrl = Annotated[str, AfterValidator(checks.web_url)]


class Settings(BaseModel):
    """All settings of the service. A variable is `PENSTOCK_` and the name in capitals; an empty one counts as unset."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    home: Annotated[Path, AfterValidator(checks.home)] = Field(
        Path("~/.penstock"), validate_default=True, description="folder of all data and secrets"
    )
    api_key: Annotated[str, AfterValidator(checks.key)] | None = Field(
        None, repr=False, description="API key of the default project; created at the first start if not set"
    )
    database_url: Annotated[str, AfterValidator(checks.database_url)] | None = Field(
        None, repr=False, description="PostgreSQL (≥ 14) for the records; if not set, the embedded one"
    )
    storage_url: Annotated[str, AfterValidator(checks.storage_url)] | None = Field(
        None, description="file:///folder or s3://bucket/prefix; if not set, a folder of the home"
    )
    s3_endpoint_url: WebUrl | None = Field(None, description="endpoint of an S3 other than Amazon's")
    prefect_api_url: WebUrl | None = Field(
        None, validation_alias="PREFECT_API_URL", description="use this Prefect server instead of our own"
    )
    prefect_ui_url: WebUrl | None = Field(
        None, validation_alias="PREFECT_UI_URL", description="address of the Prefect UI in links, if not the server's"
    )
    prefect_auth_string: str | None = Field(
        None,
        validation_alias="PREFECT_API_AUTH_STRING",
        repr=False,
        description="`user:password` of the Prefect server; generated for our own",
    )
    prefect_server_auth_string: str | None = Field(
        None,
        validation_alias="PREFECT_SERVER_API_AUTH_STRING",
        repr=False,
        description="the same secret, under the server's name for it",
    )
    public_url: WebUrl | None = Field(None, description="base URL of the links in responses")
    allowed_hosts: Annotated[str, AfterValidator(checks.hosts)] = Field(
        "", description="comma-separated hosts that a request may name when the API listens on 0.0.0.0"
    )
    fetch_allow: Annotated[str, AfterValidator(checks.fetch_allow)] = Field(
        "", description="comma-separated host:port or CIDR of private addresses that may be fetched"
    )
    allow_pairs: Annotated[str, AfterValidator(checks.pairs)] = Field(
        "", description="comma-separated refused pairs to allow, e.g. mov:mp3"
    )
    batch_roots: Annotated[str, AfterValidator(checks.batch_roots)] = Field(
        "",
        description="comma-separated folders and prefixes that runs from Prefect's form, schedules or events may use",
    )
    arrival_rules: Path | None = Field(
        None, description="JSON file with what is converted when notifications of buckets arrive (docs/events.md)"
    )
    transcode_slots: Slots = Field(os.cpu_count() or 1, description="encoders that run at once on the whole system")
    worker_slots: Slots = Field(12, description="flow runs at once in one worker; without images")
    waiting_slots: SlotsOrNone = Field(
        36,
        description="more flow runs in one worker while as many wait for an encoder; each keeps its input on the disk",
    )
    image_slots: Slots = Field(4, description="flow runs of images at once in one worker")
    retention_days: float | None = Field(
        None, gt=0, le=36_500, description="outputs and uploads older than this are deleted; if not set, none"
    )
    webhook_log_days: float = Field(
        30.0, gt=0, le=36_500, description="deliveries of webhooks and their logs are deleted so long after the event"
    )
    links: Literal["api", "redirect"] = Field(
        "api", description="`api` serves the bytes of a link, `redirect` sends the caller to the storage"
    )
    log_format: LogFormat = Field("text", description="lines of the log: `text`, or `json` with an object each")
    page: Literal["on", "off"] = Field("on", description="`on` serves the page for browsers at `/`; `off`")
    ffmpeg: Annotated[Path, AfterValidator(checks.program)] | None = Field(
        None, description="path of another ffmpeg binary"
    )
    reuse: Literal["on", "off"] = Field(
        "on", description="`on`: equal bytes with the same settings are converted once in a project; `off`"
    )
    jail: Annotated[JailMode, AfterValidator(checks.jail)] = Field(
        "auto",
        description="jail of decoders and encoders: `auto` uses what the kernel has of it, `require` refuses to start"
        " without all of it, `off`",
    )

    max_video_input_bytes: Bytes = Field(16 * 2**30, description="largest video input")
    max_audio_input_bytes: Bytes = Field(2 * 2**30, description="largest audio input")
    max_image_input_bytes: Bytes = Field(256 * 2**20, description="largest image input")
    min_free_bytes: int = Field(
        512 * 2**20,
        ge=0,
        le=2**50,
        description="while less is free on the disk of the home, workers take no new runs and uploads are refused",
    )
    max_output_bytes: Bytes = Field(4 * 2**30, description="largest output")
    max_image_pixels: Count = Field(50_000_000, description="largest still image; twice that for JPEG")
    max_image_side_pixels: Count = Field(16_384, description="longest side of a still image")
    max_animation_frames: Count = Field(1000, description="most frames of an animation, input or output")
    max_animation_pixels: Count = Field(250_000_000, description="most pixels of an animation, all frames together")
    max_video_pixels: Count = Field(8192 * 4320, description="most pixels of a video frame")
    max_video_fps: float = Field(240.0, gt=0, le=10_000, description="highest frame rate of a video input")
    max_video_frames: Count = Field(4 * 3600 * 120, description="most frames of a video input")
    max_audio_channels: int = Field(8, ge=1, le=255, description="most channels of an audio input")
    max_audio_sample_rate_hz: Count = Field(1_536_000, description="highest sample rate of an audio input")
    max_duration_seconds: Seconds = Field(4 * 3600.0, description="longest video or audio input")
    max_body_bytes: int = Field(64 * 1024, ge=1024, le=2**30, description="largest JSON body")
    max_batch_body_bytes: int = Field(
        32 * 2**20, ge=1024, le=2**30, description="largest JSON body of a batch, with all its items"
    )
    max_manifest_bytes: Bytes = Field(256 * 2**20, description="largest upload of a manifest")
    max_unfinished_uploads: Count = Field(100, description="most resumable uploads of one project that are unfinished")
    max_plan_bytes: Bytes = Field(64 * 2**20, description="most bytes of an input that a plan reads")
    max_streams: int = Field(32, ge=1, le=1000, description="most streams of one input")
    fetch_connect_seconds: Seconds = Field(5.0, description="timeout of a connection to an origin")
    fetch_read_seconds: Seconds = Field(15.0, description="longest time without data from an origin")
    fetch_total_seconds: Seconds = Field(
        600.0, description="deadline of a download; a large one gets more by PENSTOCK_FETCH_EXPECTED_BYTES_PER_SECOND"
    )
    fetch_expected_bytes_per_second: int = Field(
        2**20, ge=1, le=2**40, description="a download may take as long as its announced size takes at this rate"
    )
    fetch_min_bytes_per_second: int = Field(
        16 * 1024, ge=0, le=2**40, description="a download slower than this is aborted"
    )
    fetch_grace_seconds: float = Field(
        10.0, ge=0, le=86_400, description="time before the lowest download rate applies"
    )
    fetch_redirects: int = Field(5, ge=0, le=20, description="most redirects followed")
    transcode_min_seconds: Seconds = Field(120.0, description="shortest deadline of an encoder")
    transcode_max_seconds: Seconds = Field(4 * 3600.0, description="longest deadline of an encoder")
    transcode_seconds_per_second: float = Field(
        10.0, gt=0, le=10_000, description="deadline of an encoder per second of media"
    )
    child_memory_bytes: int = Field(
        3 * 2**30,
        ge=2**28,
        le=2**50,
        description="memory limit of a child process (8/3 of it for frames above 3840×2160)",
    )
    lease_seconds: float = Field(60.0, ge=1, le=86_400, description="a run without a heartbeat for this long is lost")
    attempts: int = Field(3, ge=1, le=100, description="runs of one task: after so many lost ones it fails")
    queue_per_project: Count = Field(10_000, description="most unfinished tasks of one project")
    queue_total: Count = Field(100_000, description="most unfinished tasks of all projects")
    running_per_project: Count | None = Field(
        None, description="runs of one project at once on the whole system; if not set, as many as there are slots"
    )
    requests_per_minute: Count = Field(
        6_000, description="POST requests of one key per minute, in bursts of a third of it"
    )
    reads_per_minute: Count = Field(
        60_000, description="other requests of one key per minute, in bursts of a third of it"
    )
    failed_keys_per_minute: Count = Field(
        60, description="unknown keys that one address may send per minute, in bursts of a third of it"
    )
    failed_links_per_minute: Count = Field(
        600, description="invalid links that one address may open per minute, in bursts of a third of it"
    )
    max_connections: Count = Field(2_000, description="most open connections of one API process")
    max_connections_per_address: Count = Field(
        256, description="most open connections of one address; proxies (FORWARDED_ALLOW_IPS) are exempt"
    )
    max_request_line_bytes: Bytes = Field(8 * 1024, description="longest path and query of a request")
    max_header_bytes: Bytes = Field(32 * 1024, description="largest request line and headers together")
    max_headers: Count = Field(100, description="most headers of a request")
    header_seconds: Seconds = Field(10.0, description="time in which the headers of a request must arrive")
    unread_seconds: Seconds = Field(60.0, description="longest time in which a caller reads nothing of a response")
    upload_min_bytes_per_second: Bytes = Field(4 * 1024, description="a request body slower than this is refused")
    upload_grace_seconds: Seconds = Field(30.0, description="longest time without data of a request body")
    receipt_frames: int = Field(
        5, ge=0, le=250, description="frames of a video output that are scored against the input; 0 scores none"
    )
    receipt_stills: bool = Field(
        default=False, description="score image outputs too, which takes about as long as encoding them"
    )
    batch_scored_share: float = Field(
        0.1, ge=0, le=1, description="share of the outputs of a batch's small lines that are scored, from 0 to 1"
    )
    plans_at_once: int = Field(
        2, ge=1, le=1024, description="plans at once in one API process; four times as many of one project may wait"
    )
    plan_seconds: Seconds = Field(20.0, description="deadline of the probe of an input for a plan")
    link_seconds: int = Field(3600, ge=1, le=7 * 86_400, description="lifetime of a signed link")
    unfinished_upload_seconds: Seconds = Field(
        86_400.0, description="how long after its last byte a resumable upload can be continued"
    )
    drain_seconds: float = Field(30.0, ge=0, le=86_400, description="how long a stop waits for running work")
    linger_seconds: float = Field(
        600.0, ge=0, le=86_400, description="how long a service that a command started stays after its last use"
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if value != ""}

    @field_validator("prefect_server_auth_string")
    @classmethod
    def _require_same_secret(cls, secret: str | None, known: ValidationInfo) -> str | None:
        if secret and (known.data.get("prefect_auth_string") or secret) != secret:
            raise ValueError("must be the same as PREFECT_API_AUTH_STRING: they are one secret")
        return secret

    @field_validator("transcode_max_seconds")
    @classmethod
    def _require_not_below_min(cls, longest: float, known: ValidationInfo) -> float:
        shortest = known.data.get("transcode_min_seconds", longest)
        if longest < shortest:
            raise ValueError(f"must be at least PENSTOCK_TRANSCODE_MIN_SECONDS, which is {shortest:g}")
        return longest

    @cached_property
    def root(self) -> Path:
        """The home as an absolute path."""
        return self.home.expanduser().resolve()

    @property
    def allowed_pairs(self) -> frozenset[tuple[str, str]]:
        """The refused pairs that are allowed: an input's container and an output format."""
        return parse_pairs(self.allow_pairs)

    @property
    def threads_per_encoder(self) -> int:
        """As many as let all slots together use each core once."""
        return max(1, (os.cpu_count() or 1) // self.transcode_slots)

    @property
    def unfinished(self) -> Path:
        """Where the parts of resumable uploads are."""
        return self.root / "uploads"

    @property
    def scratch(self) -> Path:
        return self.root / "scratch"

    @property
    def kept_outputs(self) -> Path:
        """Where verified outputs are until they are recorded: on the disk of the scratch folders, to be linked."""
        return self.root / "verified"

    @property
    def storage(self) -> str:
        return self.storage_url or (self.root / "files").as_uri()
