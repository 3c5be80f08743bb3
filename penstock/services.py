"""The composition root: what the parts of one process share, made once from the settings."""

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from penstock.domain.attempts import QueueLimits
from penstock.domain.limits import Limits
from penstock.engines import Tools, bundled_ffmpeg, sandbox_pool
from penstock.host.home import records_database
from penstock.live_runs import LiveRuns
from penstock.records import Records
from penstock.settings import Settings, read_settings
from penstock.storage.download import FetchPolicy
from penstock.storage.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class Services:
    """The records, the storage and the tools of one process."""

    settings: Settings
    records: Records
    objects: ObjectStore
    tools: Tools
    limits: Limits
    fetch_policy: FetchPolicy
    allowed_pairs: frozenset[tuple[str, str]]
    live: LiveRuns

    @property
    def queue(self) -> QueueLimits:
        return QueueLimits(self.settings.queue_per_project, self.settings.queue_total)


@contextmanager
def services(settings: Settings) -> Iterator[Services]:
    """Everything of one process, closed at the end."""
    limits = limits_of(settings)
    with ExitStack() as open_things:
        records = Records(open_things.enter_context(records_database(settings)), settings.lease_seconds)
        open_things.callback(records.close)
        pool = sandbox_pool()
        open_things.callback(pool.close)
        yield Services(
            settings=settings,
            records=records,
            objects=ObjectStore.at(settings.storage, settings.s3_endpoint_url),
            tools=Tools(pool, ffmpeg_of(settings), limits, settings.threads_per_encoder),
            limits=limits,
            fetch_policy=fetch_policy_of(settings),
            allowed_pairs=settings.allowed_pairs,
            live=LiveRuns(),
        )


@cache
def current() -> Services:
    """The services of this process, for the stages of a flow run: opened at the first call, closed at exit."""
    opened = ExitStack()
    atexit.register(opened.close)
    return opened.enter_context(services(read_settings()))


def ffmpeg_of(settings: Settings) -> Path:
    return settings.ffmpeg or bundled_ffmpeg()


def fetch_policy_of(settings: Settings) -> FetchPolicy:
    return FetchPolicy(
        max_bytes=settings.max_video_input_bytes,
        connect_seconds=settings.fetch_connect_seconds,
        read_seconds=settings.fetch_read_seconds,
        total_seconds=settings.fetch_total_seconds,
        expected_bytes_per_second=settings.fetch_expected_bytes_per_second,
        min_bytes_per_second=settings.fetch_min_bytes_per_second,
        grace_seconds=settings.fetch_grace_seconds,
        redirects=settings.fetch_redirects,
        allow=settings.fetch_allow,
    )


def limits_of(settings: Settings) -> Limits:
    return Limits(
        video_input_bytes=settings.max_video_input_bytes,
        audio_input_bytes=settings.max_audio_input_bytes,
        image_input_bytes=settings.max_image_input_bytes,
        output_bytes=settings.max_output_bytes,
        image_pixels=settings.max_image_pixels,
        image_side_pixels=settings.max_image_side_pixels,
        animation_frames=settings.max_animation_frames,
        animation_pixels=settings.max_animation_pixels,
        video_pixels=settings.max_video_pixels,
        video_fps=settings.max_video_fps,
        video_frames=settings.max_video_frames,
        audio_channels=settings.max_audio_channels,
        audio_sample_rate_hz=settings.max_audio_sample_rate_hz,
        duration_seconds=settings.max_duration_seconds,
        streams=settings.max_streams,
        transcode_min_seconds=settings.transcode_min_seconds,
        transcode_max_seconds=settings.transcode_max_seconds,
        transcode_seconds_per_second=settings.transcode_seconds_per_second,
        child_memory_bytes=settings.child_memory_bytes,
    )
