"""Make images by their plans. The child that makes one reads it back too; the rest of the check is made here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.engines.encoding import ImageConversion, make_image_call
from penstock.engines.probing.results import ReadBack, invalid_output
from penstock.engines.probing.signatures import sniff
from penstock.engines.tools import Tools
from penstock.engines.verification.verifier import EncodedFile, VerifiedOutput, checked, output_limits
from penstock.sandbox.call_each import CallOutcome, call_each
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.outcomes import attempt, required
from penstock.sandbox.supervise import NoWatch, Watch


@dataclass(frozen=True, slots=True)
class MadeImage:
    """An image that is as planned."""

    path: Path
    verified: VerifiedOutput


def make_image(conversion: ImageConversion, tools: Tools, watch: Watch | None = None) -> MadeImage:
    """Raises `EngineError`, `InputError` or `Cancelled`."""
    active_watch = watch or NoWatch()
    (outcome,) = make_each_image((conversion,), tools, active_watch)
    made = required(outcome.result)
    active_watch.progress(100)
    return made


def make_each_image(
    conversions: Sequence[ImageConversion], tools: Tools, watch: Watch | None = None
) -> list[CallOutcome[MadeImage]]:
    """Several images, by as few children as possible: each as `make_image` returns it, or the error that it raises.
    Raises `Cancelled`."""
    active_watch = watch or NoWatch()
    limits = output_limits(tools.limits)
    requests = [make_image_call(each, limits, tools) for each in conversions]
    outcomes = call_each(tools.pool, requests, _result_decoder(), active_watch)
    return [
        outcome.with_result(attempt(partial(_made, conversion, active_watch), outcome.result))
        for conversion, outcome in zip(conversions, outcomes, strict=True)
    ]


def _made(conversion: ImageConversion, watch: Watch, read_back: ReadBack) -> MadeImage:
    path = conversion.target
    _require_format(path, conversion.plan.format)
    return MadeImage(path, checked(EncodedFile(path, conversion.plan, conversion.source.media), read_back, watch))


def _require_format(path: Path, wanted: str) -> None:
    """A child that was taken over may claim that it wrote a file of the right format."""
    try:
        container = sniff(path).container
    except (OSError, errors.InputError) as error:
        raise invalid_output("it cannot be read back", repr(error)) from error
    if container != wanted:
        raise invalid_output("it differs from its plan", f"the container is {container}")


@cache
def _result_decoder() -> ResultDecoder[ReadBack]:
    return ResultDecoder(TypeAdapter(ReadBack))
