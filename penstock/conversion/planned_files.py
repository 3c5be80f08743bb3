"""Convert several planned files together: images are made and read back in shared child processes, all others encoded
one after another and verified in shared child processes."""

from collections.abc import Callable, Sequence
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
from penstock.domain.planning.plan import ImagePlan, KeepImage, Plan
from penstock.domain.stages import Original, Rendition
from penstock.sandbox.outcomes import attempt

_Outcome = engines.CallOutcome[PlannedOutput]


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file with its plan, and the folder for its output."""

    original: Original
    plan: Plan
    folder: Path

    @property
    def source(self) -> engines.MediaFile:
        return engines.MediaFile(self.original.path, self.original.media)


# Encodes a file that is no image; raises `Cancelled` only if the whole group is stopped.
EncodeAlone = Callable[[PlannedFile], engines.CallOutcome[Path]]


def convert_planned(
    files: Sequence[PlannedFile], workspace: Workspace, encode_alone: EncodeAlone
) -> list[Rendition | errors.MediaError]:
    """A rendition as `convert_original` makes it, or the error that it raises, for each file. Raises `Cancelled`."""
    return _Files(workspace, encode_alone).converted(files)


@dataclass(frozen=True, slots=True)
class _Files:
    workspace: Workspace
    encode_alone: EncodeAlone

    def converted(self, files: Sequence[PlannedFile]) -> list[Rendition | errors.MediaError]:
        for file in files:
            record(file.plan, file.original, self.workspace)
        outcomes = self._with_kept_inputs(files, self._outputs(files))
        return [
            attempt(partial(self._rendition, file, outcome), outcome.result)
            for file, outcome in zip(files, outcomes, strict=True)
        ]

    def _outputs(self, files: Sequence[PlannedFile]) -> list[_Outcome]:
        """Images are made and read back by the same children; all else is encoded and then verified."""
        for file in files:
            file.folder.mkdir(parents=True, exist_ok=True)
        conversions = {number: each for number, file in enumerate(files) if (each := _image_conversion(file))}
        tools, watch = self.workspace.tools, self.workspace.watch
        images = engines.make_each_image(list(conversions.values()), tools, watch)
        made = {
            number: outcome.with_result(attempt(partial(_planned_output, files[number]), outcome.result))
            for number, outcome in zip(conversions, images, strict=True)
        }
        others = {number: file for number, file in enumerate(files) if number not in made}
        made |= dict(zip(others, self._encoded([*others.values()]), strict=True))
        return [made[number] for number in range(len(files))]

    def _encoded(self, files: Sequence[PlannedFile]) -> list[_Outcome]:
        encoded = [self.encode_alone(file) for file in files]
        outputs = [
            attempt(partial(_encoded_file, file), made.result) for file, made in zip(files, encoded, strict=True)
        ]
        verified = engines.verify_each(outputs, self.workspace.tools, self.workspace.watch)
        return [_combined(file, made, checked) for file, made, checked in zip(files, encoded, verified, strict=True)]

    def _with_kept_inputs(self, files: Sequence[PlannedFile], outcomes: Sequence[_Outcome]) -> list[_Outcome]:
        """The inputs in place of outputs that are larger, where an input is already what was requested."""
        kept = {
            number: replace(file, plan=plan, folder=file.folder / "kept")
            for number, (file, outcome) in enumerate(zip(files, outcomes, strict=True))
            if (plan := _keeping_plan(file, outcome))
        }
        copies = dict(zip(kept, self._outputs(list(kept.values())), strict=True))
        return [
            self._smaller(outcome, copies[number]) if number in copies else outcome
            for number, outcome in enumerate(outcomes)
        ]

    def _smaller(self, output: _Outcome, copy: _Outcome) -> _Outcome:
        """The copy, or the output if there is none."""
        result = copy.result
        if isinstance(result, errors.InputError | errors.EngineError):
            self.workspace.log.info("the input cannot be kept as it is: %s", result.code)
            result = output.result
        spent = (output.wall_seconds + copy.wall_seconds, output.cpu_seconds + copy.cpu_seconds)
        return engines.CallOutcome(result, *spent)

    def _rendition(self, file: PlannedFile, outcome: _Outcome, output: PlannedOutput) -> Rendition:
        spent = (outcome.wall_seconds, outcome.cpu_seconds)
        score = score_of(output, file.original, self.workspace)
        return rendition_of(output, file.original, self.workspace, spent, score)


def _image_conversion(file: PlannedFile) -> engines.ImageConversion | None:
    """None for a file that is no image, or whose plan needs ffmpeg."""
    if isinstance(file.plan, ImagePlan | KeepImage):
        return engines.ImageConversion(file.plan, file.source, file.folder)
    return None


def _planned_output(file: PlannedFile, image: engines.MadeImage) -> PlannedOutput:
    return PlannedOutput(file.plan, image.path, image.verified)


def _encoded_file(file: PlannedFile, path: Path) -> engines.EncodedFile:
    return engines.EncodedFile(path, file.plan, file.original.media)


def _combined(
    file: PlannedFile, made: engines.CallOutcome[Path], checked: engines.CallOutcome[engines.VerifiedOutput]
) -> _Outcome:
    result: PlannedOutput | errors.MediaError
    if isinstance(made.result, errors.MediaError):
        result = made.result
    else:
        result = attempt(partial(PlannedOutput, file.plan, made.result), checked.result)
    return engines.CallOutcome(result, made.wall_seconds + checked.wall_seconds, made.cpu_seconds + checked.cpu_seconds)


def _keeping_plan(file: PlannedFile, outcome: _Outcome) -> Plan | None:
    if isinstance(outcome.result, errors.MediaError):
        return None
    return plan_keeping_smaller(outcome.result, file.original.media)
