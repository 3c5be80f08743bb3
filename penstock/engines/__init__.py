"""Probing, encoding and verifying. Every decoder and encoder runs in a child process of the sandbox."""

from penstock.engines.encoding import ImageConversion, MediaFile, command_line, encode, encode_each, public_command
from penstock.engines.probing.facts import file_facts
from penstock.engines.probing.file_probe import probe, probe_each, probe_header
from penstock.engines.probing.remote_probe import PartialInput, probe_remote
from penstock.engines.probing.signatures import sniff
from penstock.engines.thumbnails import thumbnails
from penstock.engines.tools import Tools, bundled_ffmpeg, sandbox_pool, tool_versions
from penstock.engines.verification.scoring import Comparison, score
from penstock.engines.verification.verifier import EncodedFile, VerifiedOutput, verify, verify_each
from penstock.sandbox.call_each import CallOutcome
from penstock.sandbox.supervise import CpuMeter, NoWatch, Watch

__all__ = [
    "CallOutcome",
    "Comparison",
    "CpuMeter",
    "EncodedFile",
    "ImageConversion",
    "MediaFile",
    "NoWatch",
    "PartialInput",
    "Tools",
    "VerifiedOutput",
    "Watch",
    "bundled_ffmpeg",
    "command_line",
    "encode",
    "encode_each",
    "file_facts",
    "probe",
    "probe_each",
    "probe_header",
    "probe_remote",
    "public_command",
    "sandbox_pool",
    "score",
    "sniff",
    "thumbnails",
    "tool_versions",
    "verify",
    "verify_each",
]
