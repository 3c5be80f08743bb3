"""Probing, encoding and verifying. Every decoder and encoder runs in a child process of the sandbox.

Each module is loaded when it is first used: a command that only probes needs few of them. `services` loads all."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.engines.encoding import ImageConversion, MediaFile, command_line, encode, public_command
    from penstock.engines.probing.facts import file_facts
    from penstock.engines.probing.file_probe import probe, probe_each, probe_header
    from penstock.engines.probing.remote_probe import PartialInput, probe_remote
    from penstock.engines.probing.signatures import sniff
    from penstock.engines.thumbnail_files import thumbnails
    from penstock.engines.tools import Tools, bundled_ffmpeg, sandbox_pool, tool_versions
    from penstock.engines.verification.made_images import MadeImage, make_each_image, make_image
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
    "MadeImage",
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
    "make_each_image",
    "make_image",
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

# Where each name is, below this package and the sandbox.
_MODULES = {
    "penstock.engines.encoding": (
        *("ImageConversion", "MediaFile", "command_line"),
        *("encode", "public_command"),
    ),
    "penstock.engines.probing.facts": ("file_facts",),
    "penstock.engines.probing.file_probe": ("probe", "probe_each", "probe_header"),
    "penstock.engines.probing.remote_probe": ("PartialInput", "probe_remote"),
    "penstock.engines.probing.signatures": ("sniff",),
    "penstock.engines.thumbnail_files": ("thumbnails",),
    "penstock.engines.tools": ("Tools", "bundled_ffmpeg", "sandbox_pool", "tool_versions"),
    "penstock.engines.verification.made_images": ("MadeImage", "make_each_image", "make_image"),
    "penstock.engines.verification.scoring": ("Comparison", "score"),
    "penstock.engines.verification.verifier": ("EncodedFile", "VerifiedOutput", "verify", "verify_each"),
    "penstock.sandbox.call_each": ("CallOutcome",),
    "penstock.sandbox.supervise": ("CpuMeter", "NoWatch", "Watch"),
}


def __getattr__(name: str) -> Any:
    module = next((module for module, names in _MODULES.items() if name in names), None)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(module), name)
