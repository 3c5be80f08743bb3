"""One frozen `Settings`, read from the environment (or `.env`) here and nowhere else. Names carry their unit."""

import os
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every knob of the service; each is `PENSTOCK_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="PENSTOCK_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(Path("~/.penstock"), description="folder of everything kept")
    api_key: str | None = Field(None, description="key of the default project, made at the first start if not given")
    database_url: str | None = Field(None, description="PostgreSQL (≥ 14) of the records; else from the wheel")
    storage_url: str | None = Field(None, description="file:///… or s3://bucket/prefix; else a folder of the home")
    s3_endpoint_url: str | None = Field(None, description="an S3 that is not Amazon's")
    prefect_api_url: str | None = Field(
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
    public_url: str | None = Field(None, description="base of the links in answers")
    allowed_hosts: str = Field("", description="comma list of hosts a request may name when listening on 0.0.0.0")
    fetch_allow: str = Field("", description="host:port or CIDR, comma separated, that may be fetched although private")
    allow_pairs: str = Field("", description="refused pairs to lift, e.g. mov:mp3")
    transcode_slots: int = Field(os.cpu_count() or 1, ge=1, description="encoders at once on the whole system")
    worker_slots: int = Field(4, ge=1, description="flow runs at once in one worker, those of pictures apart")
    image_slots: int = Field(4, ge=1, description="flow runs of pictures at once in one worker")
    retention_days: float | None = Field(None, gt=0, description="outputs and uploads older than this are deleted")
    links: Literal["api", "redirect"] = Field("api", description="who serves the bytes of a link")
    ffmpeg: Path | None = Field(None, description="another ffmpeg binary")

    max_video_input_bytes: int = Field(16 * 2**30, description="largest video taken")
    max_audio_input_bytes: int = Field(2 * 2**30, description="largest audio taken")
    max_image_input_bytes: int = Field(256 * 2**20, description="largest image taken")
    max_output_bytes: int = Field(4 * 2**30, description="largest output written")
    max_image_pixels: int = Field(50_000_000, description="largest still image; twice that for JPEG")
    max_image_side_pixels: int = Field(16_384, description="longest side of a still image")
    max_animation_frames: int = Field(1000, description="frames of an animation, in or out")
    max_animation_pixels: int = Field(250_000_000, description="pixels of an animation, all frames together")
    max_video_pixels: int = Field(8192 * 4320, description="pixels of a video frame")
    max_video_fps: float = Field(240.0, description="frames a second of a video taken")
    max_video_frames: int = Field(4 * 3600 * 120, description="frames of a video taken")
    max_audio_channels: int = Field(8, description="channels of an audio stream taken")
    max_audio_sample_rate_hz: int = Field(192_000, description="samples a second of an audio stream taken")
    max_duration_seconds: float = Field(4 * 3600.0, description="longest video or audio taken")
    max_body_bytes: int = Field(64 * 1024, description="largest JSON body")
    max_plan_bytes: int = Field(64 * 2**20, description="most bytes of an input that are read to plan with it")
    max_streams: int = Field(32, description="streams of one input")
    fetch_connect_seconds: float = Field(5.0, description="to connect to an origin")
    fetch_read_seconds: float = Field(15.0, description="silence of an origin")
    fetch_total_seconds: float = Field(600.0, description="one whole download, or longer by the next")
    fetch_expected_bytes_per_second: int = Field(
        2**20, description="a download may take as long as its announced size does at this rate"
    )
    fetch_min_bytes_per_second: int = Field(16 * 1024, description="a download slower than this is given up")
    fetch_grace_seconds: float = Field(10.0, description="how long a download may be as slow as it likes")
    fetch_redirects: int = Field(5, description="redirects followed")
    transcode_min_seconds: float = Field(120.0, description="least deadline of an encoder")
    transcode_max_seconds: float = Field(4 * 3600.0, description="greatest deadline of an encoder")
    transcode_seconds_per_second: float = Field(10.0, description="deadline of an encoder for each second of media")
    child_memory_bytes: int = Field(3 * 2**30, description="memory of a child (8 GiB above 3840×2160)")
    lease_seconds: float = Field(60.0, description="a run that has not been heard of for so long is lost")
    attempts: int = Field(3, ge=1, description="how often a lost run is started anew")
    queue_per_project: int = Field(10_000, description="unfinished tasks of one project")
    queue_total: int = Field(100_000, description="unfinished tasks of all projects")
    running_per_project: int | None = Field(
        None, ge=1, description="runs of one project at once, on the whole system; else as many as there are slots"
    )
    requests_per_minute: int = Field(6_000, description="POSTs of one key a minute, in bursts of a third of it")
    reads_per_minute: int = Field(60_000, description="other requests of one key a minute, in bursts of a third of it")
    failed_keys_per_minute: int = Field(
        60, ge=1, description="unknown keys of one address a minute, in bursts of a third of it"
    )
    max_connections: int = Field(2_000, ge=1, description="open connections to one API process")
    max_connections_per_address: int = Field(
        256, ge=1, description="open connections of one address, but for proxies (FORWARDED_ALLOW_IPS)"
    )
    max_request_line_bytes: int = Field(8 * 1024, ge=1, description="longest path and query of a request")
    max_header_bytes: int = Field(32 * 1024, ge=1, description="request line and headers of a request")
    max_headers: int = Field(100, ge=1, description="headers of a request")
    header_seconds: float = Field(10.0, gt=0, description="for the headers of a request to come in")
    unread_seconds: float = Field(60.0, gt=0, description="how long a caller may take none of an answer")
    upload_min_bytes_per_second: int = Field(4 * 1024, ge=1, description="a body that comes slower is given up")
    upload_grace_seconds: float = Field(30.0, gt=0, description="how long a body may be silent")
    receipt_frames: int = Field(
        5, ge=0, le=250, description="frames of an encoded video that are scored against the input; 0 scores none"
    )
    receipt_stills: bool = Field(
        default=False, description="whether stills are scored too: about as much work as making them"
    )
    plans_at_once: int = Field(2, ge=1, description="plans made at once in one API process; four wait for each")
    plan_seconds: float = Field(20.0, description="how long looking at an input may take to plan with it")
    link_seconds: int = Field(3600, description="how long a signed link works")
    drain_seconds: float = Field(30.0, description="how long a stop waits for running work")

    @cached_property
    def root(self) -> Path:
        """The home, absolute."""
        return self.home.expanduser().resolve()

    @property
    def lifted_pairs(self) -> frozenset[tuple[str, str]]:
        """`mov:mp3,…` as pairs of an input's container and an output format."""
        pairs = (pair.strip().partition(":") for pair in self.allow_pairs.split(",") if pair.strip())
        return frozenset((source, target) for source, _, target in pairs)

    @property
    def threads_per_encoder(self) -> int:
        """So many that all slots together use each core once."""
        return max(1, (os.cpu_count() or 1) // self.transcode_slots)

    @property
    def rooms(self) -> Path:
        return self.root / "rooms"

    @property
    def storage(self) -> str:
        return self.storage_url or (self.root / "files").as_uri()
