"""What a conversion has made, in one sentence for people: on the command line, and in Prefect's UI."""

from typing import Protocol


class Score(Protocol):
    """The measured similarity of output and input."""

    @property
    def metric(self) -> str: ...
    @property
    def score(self) -> float: ...


def outcome(before: tuple[str, int | None], after: tuple[str, int], score: Score | None, seconds: float) -> str:
    """`clip.mov 88.1 MB → clip.mp4 9.2 MB (−90 %), VMAF 95, 14 s`. Names with sizes in bytes; None: not known."""
    (source, size), (target, made) = before, after
    if size is None:
        sentence = f"{source} → {target} {shown_bytes(made)}"
    else:
        sentence = f"{source} {shown_bytes(size)} → {target} {shown_bytes(made)} ({shown_saving(size, made)})"
    return ", ".join((sentence, *((shown_score(score),) if score else ()), shown_seconds(seconds)))


def shown_bytes(count: int) -> str:
    """In decimal units: `88.1 MB`, `512 B`."""
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
