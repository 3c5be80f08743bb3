"""Runs that Prefect starts much later, though each of ours is to start at once: the clock that created them was ahead.

Once it is right again they would wait for as long as it had been ahead: two days in `benchmarks.faults clocks`.
"""

from datetime import datetime, timedelta

from prefect.client.schemas.objects import State, StateType

# Prefect itself delays a run that waits for a limit of its deployment, by half a minute.
TOLERATED = timedelta(minutes=5)


def starts_too_late(state: State[object], now: datetime) -> bool:
    """Whether a run in this state starts more than five minutes from `now`, the time of Prefect's server. By a clock of
    ours that is behind each waiting run would seem to, also one that a worker is about to claim."""
    start = state.state_details.scheduled_time
    if state.type is not StateType.SCHEDULED or start is None:
        return False
    return start > now + TOLERATED
