"""The receipt of an output as a page of Markdown: the artifact that the run shows in the Prefect UI."""

import html
import shlex
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.domain.receipt import Receipt
from penstock.domain.stages import Original, Stored
from penstock.domain.task import Step
from penstock.orchestration.run.summary import summary
from penstock.views.outcomes import shown_bytes, shown_saving, shown_score, shown_seconds

MAX_BYTES = 100_000
_ESCAPED = str.maketrans({character: f"&#{ord(character)};" for character in "\\`*_[]<>|&#~!"})


@dataclass(frozen=True, slots=True)
class Pictures:
    """Small JPEGs of the input and of the output, as many of each."""

    before: Sequence[bytes] = ()
    after: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """What the page shows. `seconds` are those of each stage; `task_url` is the Task at the API, if its address is
    known."""

    original: Original
    stored: Stored
    seconds: Mapping[Step, float]
    task_url: str
    pictures: Pictures = field(default_factory=Pictures)

    @property
    def headline(self) -> str:
        return summary(self.original, self.stored, sum(self.seconds.values()))

    def markdown(self) -> str:
        """At most `MAX_BYTES` long: without pictures where they would be too large."""
        with_pictures = self._markdown(self.pictures)
        return with_pictures if len(with_pictures) <= MAX_BYTES else self._markdown(Pictures())

    def _markdown(self, pictures: Pictures) -> str:
        receipt = self.stored.receipt
        parts = (
            f"## {escaped(self.headline)}",
            self._sides(pictures),
            *(f"- **{name}**: {escaped(done)}" for name, done in _steps(receipt)),
            _table(("checked", "result"), _checks(receipt)),
            _table(("stage", "time"), ((stage, shown_seconds(spent)) for stage, spent in self.seconds.items())),
            _command(receipt.work.argv),
            _versions(receipt),
            f"Task {self._task_link()} · file `{self.stored.file.id}`",
        )
        return "\n\n".join(filter(None, parts)) + "\n"

    def _task_link(self) -> str:
        task_id = self.original.task.id
        return f"[{task_id}]({self.task_url})" if self.task_url else f"`{task_id}`"

    def _sides(self, pictures: Pictures) -> str:
        """Before and after, side by side."""
        media, after = self.original.media, self.stored.file.facts
        saving = shown_saving(media.filesize, after.filesize)
        name = self.stored.file.name or f"{self.stored.file.id}.{after.format}"
        rows = (
            ("", _images(pictures.before), _images(pictures.after)),
            ("name", escaped(self.original.task.shown_input), escaped(name)),
            ("bytes", shown_bytes(media.filesize), f"{shown_bytes(after.filesize)} ({saving})"),
            ("format", media.container, after.format),
            ("size", _size(_shown_size(self.original)), _size((after.width, after.height))),
            ("duration", _duration(media.duration), _duration(after.duration)),
            ("codecs", _codecs(self.original), after.codecs or ""),
        )
        return _table(("", "before", "after"), (row for row in rows if any(row[1:])))


def escaped(text: str) -> str:
    """Text of strangers, such as a file name, so that it is no Markdown and no HTML."""
    return text.translate(_ESCAPED)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(row) for row in rows]
    ruled = [" | ".join(head), " | ".join("---" for _ in head), *lines]
    return "\n".join(f"| {line} |" for line in ruled) if lines else ""


def _images(pictures: Sequence[bytes]) -> str:
    return " ".join(f"![](data:image/jpeg;base64,{b64encode(each).decode()})" for each in pictures)


def _steps(receipt: Receipt) -> Iterable[tuple[str, str]]:
    return ((name, done) for name, done in receipt.work.plan.items() if name != "format" and done)


def _checks(receipt: Receipt) -> Iterable[tuple[str, str]]:
    checks = receipt.checks
    if checks.quality:
        compared = f"{checks.quality.frames} frames" if checks.quality.frames != 1 else "1 frame"
        yield "likeness to the input", f"{shown_score(checks.quality)}, of {compared}"
    for stream in checks.streams:
        yield f"decoded {stream.codec}", f"{stream.decoded:,} frames"
    if checks.expected_duration is not None and receipt.output.duration is not None:
        yield "duration", f"{receipt.output.duration:.3f} s, expected {checks.expected_duration:.3f} s"
    if checks.drift:
        yield "sound against picture", f"{checks.drift.start:+.3f} s at the start, {checks.drift.end:+.3f} s at the end"


def _command(argv: Sequence[str]) -> str:
    # One block of HTML: Prefect's page does not fold Markdown between the tags.
    shown = html.escape(shlex.join(argv))
    return f"<details><summary>Argument list</summary><pre>{shown}</pre></details>" if argv else ""


def _versions(receipt: Receipt) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in receipt.work.tools.items())
    return f"{escaped(tools)}, {receipt.work.cpu_seconds:.2f} s of CPU · sha256 `{receipt.output.sha256}`"


def _shown_size(original: Original) -> tuple[int | None, int | None]:
    media = original.media
    size = media.video.shown if media.video else media.image.size if media.image else None
    return (size.width, size.height) if size else (None, None)


def _size(pixels: tuple[int | None, int | None]) -> str:
    return f"{pixels[0]}×{pixels[1]}" if pixels[0] else ""


def _duration(seconds: float | None) -> str:
    return f"{seconds:.2f} s" if seconds else ""


def _codecs(original: Original) -> str:
    return ",".join(stream.codec for stream in (original.media.video, original.media.audio) if stream)
