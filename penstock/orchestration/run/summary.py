"""One sentence on what a run has made: the message of its state, and the headline of its receipt."""

from penstock.domain.receipt import Score
from penstock.domain.stages import Original, Stored


def summary(original: Original, stored: Stored, seconds: float) -> str:
    """`clip.mov 88.1 MB → mp4 9.2 MB (−90 %), VMAF 95, 14 s`"""
    before, after, quality = original.media.filesize, stored.file.facts.filesize, stored.receipt.checks.quality
    made = f"{stored.file.facts.format} {shown_bytes(after)} ({shown_saving(before, after)})"
    facts = (f"{original.task.shown_input} {shown_bytes(before)} → {made}", *_score(quality), shown_seconds(seconds))
    return ", ".join(facts)


def shown_bytes(count: int) -> str:
    """In decimal units: `88.1 MB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def shown_saving(before: int, after: int) -> str:
    """`−90 %`, `+4 %`, `±0 %`"""
    percent = round(100 * (after - before) / max(1, before))
    return f"{percent:+d} %".replace("-", "−") if percent else "±0 %"


def shown_seconds(seconds: float) -> str:
    """`0.4 s`, `14 s`, `3 min 20 s`, `2 h 5 min`"""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def shown_score(score: Score) -> str:
    """VMAF is a number to 100, SSIM one to 1."""
    return f"{score.metric.upper()} {score.score:.0f}" if score.metric == "vmaf" else f"SSIM {score.score:.3f}"


def _score(score: Score | None) -> tuple[str, ...]:
    return (shown_score(score),) if score else ()
