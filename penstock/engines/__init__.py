"""Probing, encoding and verifying. Every decoder and encoder runs in a child process of the sandbox."""

from penstock.engines.encoding import MediaFile, command_line, encode, public_command
from penstock.engines.probing.facts import file_facts
from penstock.engines.probing.file_probe import probe, probe_header
from penstock.engines.probing.remote_probe import PartialInput, probe_remote
from penstock.engines.probing.signatures import sniff
from penstock.engines.tools import Tools, bundled_ffmpeg, sandbox_pool, tool_versions
from penstock.engines.verification.scoring import Comparison, score
from penstock.engines.verification.verifier import VerifiedOutput, verify
from penstock.sandbox.supervise import NoWatch, Watch

__all__ = [
    "Comparison",
    "MediaFile",
    "NoWatch",
    "PartialInput",
    "Tools",
    "VerifiedOutput",
    "Watch",
    "bundled_ffmpeg",
    "command_line",
    "encode",
    "file_facts",
    "probe",
    "probe_header",
    "probe_remote",
    "public_command",
    "sandbox_pool",
    "score",
    "sniff",
    "tool_versions",
    "verify",
]
