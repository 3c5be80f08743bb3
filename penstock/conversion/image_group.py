"""Convert several images together: each step is taken for all of them in one child process."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from penstock import engines
from penstock.conversion.rendition import (
    PlannedOutput,
    Workspace,
    plan_keeping_smaller,
    record,
    rendition_of,
    score_of,
)
from penstock.domain import errors
from penstock.domain.outcomes import attempt
from penstock.domain.planning.plan import ImagePlan, KeepImage
from penstock.domain.stages import Original, Rendition

_Outcome = engines.CallOutcome[PlannedOutput]


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """An image with its plan, and the folder for its output."""

    original: Original
    plan: ImagePlan | KeepImage
    folder: Path

    @property
    def source(self) -> engines.MediaFile:
        return engines.MediaFile(self.original.path, self.original.media)


def convert_images(images: Sequence[PlannedImage], workspace: Workspace) -> list[Rendition | errors.MediaError]:
    """A rendition as `convert_original` makes it, or the error that it raises, for each image. Raises `Cancelled`."""
    for image in images:
        record(image.plan, image.original, workspace)
    outcomes = _with_kept_inputs(images, _outputs(images, workspace), workspace)
    return [
        attempt(partial(_rendition, image, outcome, workspace), outcome.result)
        for image, outcome in zip(images, outcomes, strict=True)
    ]


def _outputs(images: Sequence[PlannedImage], workspace: Workspace) -> list[_Outcome]:
    """Encode and verify."""
    for image in images:
        image.folder.mkdir(parents=True, exist_ok=True)
    conversions = [engines.ImageConversion(image.plan, image.source, image.folder) for image in images]
    encoded = engines.encode_each(conversions, workspace.tools, workspace.watch)
    files = [attempt(partial(_encoded_file, image), made.result) for image, made in zip(images, encoded, strict=True)]
    verified = engines.verify_each(files, workspace.tools, workspace.watch)
    return [_combined(image, made, checked) for image, made, checked in zip(images, encoded, verified, strict=True)]


def _encoded_file(image: PlannedImage, path: Path) -> engines.EncodedFile:
    return engines.EncodedFile(path, image.plan, image.original.media)


def _combined(
    image: PlannedImage, made: engines.CallOutcome[Path], checked: engines.CallOutcome[engines.VerifiedOutput]
) -> _Outcome:
    result: PlannedOutput | errors.MediaError
    if isinstance(made.result, errors.MediaError):
        result = made.result
    else:
        result = attempt(partial(PlannedOutput, image.plan, made.result), checked.result)
    return engines.CallOutcome(result, made.wall_seconds + checked.wall_seconds, made.cpu_seconds + checked.cpu_seconds)


def _with_kept_inputs(
    images: Sequence[PlannedImage], outcomes: Sequence[_Outcome], workspace: Workspace
) -> list[_Outcome]:
    """The inputs in place of outputs that are larger, where an input is already what was requested."""
    kept = {
        number: replace(image, plan=plan, folder=image.folder / "kept")
        for number, (image, outcome) in enumerate(zip(images, outcomes, strict=True))
        if (plan := _keeping_plan(image, outcome))
    }
    copies = dict(zip(kept, _outputs(list(kept.values()), workspace), strict=True))
    return [
        _smaller(outcome, copies[number], workspace) if number in copies else outcome
        for number, outcome in enumerate(outcomes)
    ]


def _keeping_plan(image: PlannedImage, outcome: _Outcome) -> KeepImage | None:
    if isinstance(outcome.result, errors.MediaError):
        return None
    plan = plan_keeping_smaller(outcome.result, image.original.media)
    return plan if isinstance(plan, KeepImage) else None


def _smaller(output: _Outcome, copy: _Outcome, workspace: Workspace) -> _Outcome:
    """The copy, or the output if there is none."""
    result = copy.result
    if isinstance(result, errors.InputError | errors.EngineError):
        workspace.log.info("the input cannot be kept as it is: %s", result.code)
        result = output.result
    return engines.CallOutcome(result, output.wall_seconds + copy.wall_seconds, output.cpu_seconds + copy.cpu_seconds)


def _rendition(image: PlannedImage, outcome: _Outcome, workspace: Workspace, output: PlannedOutput) -> Rendition:
    spent = (outcome.wall_seconds, outcome.cpu_seconds)
    score = score_of(output, image.original, workspace)
    return rendition_of(output, image.original, workspace, spent, score)
