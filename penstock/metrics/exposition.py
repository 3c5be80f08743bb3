"""The counters and gauges in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from penstock.metrics.counts import INFINITY, STAGE_BUCKETS

Counters = Mapping[tuple[str, str], float]

# Name in the records, name for Prometheus, what it is, and the name of its label.
_COUNTERS = (
    ("accepted", "penstock_tasks_accepted", "Requests that were answered with a task, repeated ones too.", "kind"),
    ("ended", "penstock_tasks_ended", "Tasks that ended, by `completed` or the code of their error.", "code"),
    ("attempts_lost", "penstock_attempts_lost", "Attempts whose worker died or lost its lease.", ""),
    ("children_killed", "penstock_children_killed", "Decoders and encoders that were killed.", "cause"),
)  # fmt: skip
_GAUGES = {
    "queue_age": ("penstock_queue_age_seconds", "How long the oldest queued task waits."),
    "outbox_age": ("penstock_outbox_age_seconds", "How long the oldest attempt without a flow run is due."),
    "event_age": ("penstock_events_age_seconds", "How long the oldest event waits for Prefect or the lineage server."),
    "delivery_age": ("penstock_deliveries_age_seconds", "How long the oldest webhook delivery is due."),
    "slots_without_run": ("penstock_slots_without_run", "Encoder slots that Prefect counts and no run holds."),
}
_STAGES = ("penstock_stage_seconds", "How long the stages of runs took, in all their tries.")


def exposition(counters: Counters, gauges: Mapping[str, float], unfinished: Mapping[str, int]) -> bytes:
    """The text. `counters` by name and label, `gauges` by name (those above), `unfinished` tasks by state."""
    registry = CollectorRegistry()
    registry.register(_Collected([*_counters(counters), _stages(counters), _unfinished(unfinished), *_gauges(gauges)]))
    return generate_latest(registry)


class _Collected:
    """What the registry asks for its metrics."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _counters(counters: Counters) -> Iterator[Metric]:
    for name, shown, text, label in _COUNTERS:
        family = CounterMetricFamily(shown, text, labels=[label] if label else [])
        for (of, value_label), value in sorted(counters.items()):
            if of == name:
                family.add_metric([value_label] if label else [], value)
        yield family


def _stages(counters: Counters) -> Metric:
    family = HistogramMetricFamily(*_STAGES, labels=["stage"])
    limits = [*(f"{limit:g}" for limit in STAGE_BUCKETS), INFINITY]
    for name, stage in sorted(counters):
        if name == "stage_count":
            buckets = [(limit, counters.get(("stage_bucket", f"{stage} {limit}"), 0.0)) for limit in limits]
            family.add_metric([stage], buckets, counters[("stage_seconds", stage)])
    return family


def _unfinished(unfinished: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily("penstock_tasks_unfinished", "Tasks that have not ended, by state.", labels=["state"])
    for state, count in sorted(unfinished.items()):
        family.add_metric([state], count)
    return family


def _gauges(gauges: Mapping[str, float]) -> Iterator[Metric]:
    for name, (shown, text) in _GAUGES.items():
        yield GaugeMetricFamily(shown, text, value=gauges.get(name, 0.0))
