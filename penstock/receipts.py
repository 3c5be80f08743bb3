"""The receipt of a verified output."""

from penstock import engines
from penstock.domain.media import Media
from penstock.domain.planning.cost import estimate_cost
from penstock.domain.planning.plan import Cut, FramePlan, Plan
from penstock.domain.planning.steps import cost_class, output_duration, plan_summary
from penstock.domain.receipt import Checks, Receipt, Score, StreamFacts, Work, drift_of


def receipt_of(plan: Plan, source: Media, verified: engines.VerifiedOutput, work: Work, score: Score | None) -> Receipt:
    checks = Checks(
        streams=_streams(verified),
        expected_duration=output_duration(plan),
        drift=drift_of(source, verified.read_back.media, Cut() if isinstance(plan, FramePlan) else plan.cut),
        quality=score,
    )
    return Receipt(verified.facts, checks, work, cost_class(plan), estimate_cost(plan, source))


def work_of(plan: Plan, source: Media, tools: engines.Tools, spent: tuple[float, float]) -> Work:
    """`spent` is the seconds of wall time and of CPU time."""
    wall, cpu = (round(seconds, 3) for seconds in spent)
    return Work(
        plan_summary(plan), engines.public_command(plan, source, tools), engines.tool_versions(tools), wall, cpu
    )


def _streams(verified: engines.VerifiedOutput) -> tuple[StreamFacts, ...]:
    media, decoded_frames = verified.read_back.media, verified.read_back.decoded_frames
    if media.image:
        return (StreamFacts(media.container, None, media.image.duration, media.image.frames),)
    return tuple(
        StreamFacts(stream.codec, stream.start, stream.duration, _decoded(verified, stream.index))
        for stream in (media.video, media.audio)
        if stream and stream.index in decoded_frames
    )


def _decoded(verified: engines.VerifiedOutput, index: int) -> int:
    return verified.read_back.decoded_frames[index].total
