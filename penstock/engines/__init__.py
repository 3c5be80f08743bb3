"""From a plan to bytes: probing, encoding and verifying, all of it in bounded children of one nursery."""

from penstock.engines.describing import facts
from penstock.engines.encoding import Source, command_line, encode, recipe
from penstock.engines.nursery import Nursery
from penstock.engines.probe import glance, probe
from penstock.engines.process import Unwatched, Watch
from penstock.engines.scoring import Comparison, score
from penstock.engines.sniff import Sniffed, sniff, sniff_head
from penstock.engines.survey import Parts, survey
from penstock.engines.tools import Tools, shipped_ffmpeg, versions
from penstock.engines.verifying import Verified, verify

__all__ = [
    "Comparison",
    "Nursery",
    "Parts",
    "Sniffed",
    "Source",
    "Tools",
    "Unwatched",
    "Verified",
    "Watch",
    "command_line",
    "encode",
    "facts",
    "glance",
    "probe",
    "recipe",
    "score",
    "shipped_ffmpeg",
    "sniff",
    "sniff_head",
    "survey",
    "verify",
    "versions",
]
