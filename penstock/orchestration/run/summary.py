"""One sentence on what a run has made: the message of its state, and the headline of its receipt."""

from penstock.domain.stages import Original, Stored
from penstock.views.outcomes import outcome


def summary(original: Original, stored: Stored, seconds: float) -> str:
    """`clip.mov 88.1 MB → mp4 9.2 MB (−90 %), VMAF 95, 14 s`"""
    facts = stored.file.facts
    before = (original.task.shown_input, original.media.filesize)
    return outcome(before, (facts.format, facts.filesize), stored.receipt.checks.quality, seconds)
