"""Probing, encoding and verifying. Every decoder and encoder runs in a child process of the sandbox."""

from penstock.engines.encoding import Source, command_line, encode, recipe
from penstock.engines.probing.file_facts import facts
from penstock.engines.probing.file_probe import glance, probe
from penstock.engines.probing.remote_probe import Parts, survey
from penstock.engines.probing.signatures import Sniffed, sniff, sniff_head
from penstock.engines.tools import Tools, sandbox_pool, shipped_ffmpeg, versions
from penstock.engines.verification.scoring import Comparison, score
from penstock.engines.verification.verifier import Verified, verify
from penstock.sandbox.supervise import NoWatch, Watch

__all__ = [
    "Comparison",
    "NoWatch",
    "Parts",
    "Sniffed",
    "Source",
    "Tools",
    "Verified",
    "Watch",
    "command_line",
    "encode",
    "facts",
    "glance",
    "probe",
    "recipe",
    "sandbox_pool",
    "score",
    "shipped_ffmpeg",
    "sniff",
    "sniff_head",
    "survey",
    "verify",
    "versions",
]
