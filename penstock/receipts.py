"""Making out the receipt of an output that was just verified."""

from penstock import engines
from penstock.domain.media import Media
from penstock.domain.planning.estimate import estimate
from penstock.domain.planning.plan import Cut, FramePlan, Plan, summary
from penstock.domain.planning.steps import family, output_seconds
from penstock.domain.receipt import Checks, Receipt, Score, StreamFacts, Work, drift_of


def receipt_of(plan: Plan, source: Media, made: engines.Verified, work: Work, score: Score | None) -> Receipt:
    """What is known of the output."""
    checks = Checks(
        streams=_streams(made),
        expected_duration=output_seconds(plan),
        drift=drift_of(source, made.reread.media, Cut() if isinstance(plan, FramePlan) else plan.cut),
        quality=score,
    )
    return Receipt(made.facts, checks, work, family(plan), estimate(plan, source))


def work_of(plan: Plan, source: Media, tools: engines.Tools, spent: tuple[float, float]) -> Work:
    """`spent` is seconds by the clock, and of processors."""
    wall, cpu = (round(seconds, 3) for seconds in spent)
    return Work(summary(plan), engines.recipe(plan, source, tools), engines.versions(tools), wall, cpu)


def _streams(made: engines.Verified) -> tuple[StreamFacts, ...]:
    media, played = made.reread.media, made.reread.played
    if media.picture:
        return (StreamFacts(media.container, None, media.picture.duration, media.picture.frames),)
    return tuple(
        StreamFacts(stream.codec, stream.start, stream.duration, _decoded(made, stream.index))
        for stream in (media.video, media.audio)
        if stream and stream.index in played
    )


def _decoded(made: engines.Verified, index: int) -> int:
    played = made.reread.played[index]
    return played.front + (played.middle or 0) + played.end
