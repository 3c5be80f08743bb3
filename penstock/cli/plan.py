"""`penstock plan INPUT OUTPUT`: what `convert` would do. Needs no running service."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from penstock.cli.conversions.request_options import command_line_of, fail, is_url, output_error, request_options
from penstock.conversion.dry_run import InputProber, plan_dry_run
from penstock.domain import errors
from penstock.domain.planning.cost import CostHistory
from penstock.domain.request import parse_request
from penstock.engines import Tools, sandbox_pool
from penstock.host.home import Home
from penstock.records import Records
from penstock.services import fetch_policy_of, ffmpeg_of, limits_of
from penstock.settings import Settings, read_settings
from penstock.views.plans import EstimateView, PlanView, RangeView

# The request needs an input; a local file has no URL.
PLACEHOLDER = "input"


@click.command("plan")
@request_options
@click.option("--home", type=click.Path(path_type=Path), help="Folder of all data and secrets.  [default: ~/.penstock]")
@click.option("--json", "as_json", is_flag=True, help="Print the Plan as JSON.")
def plan_command(home: Path | None, *, as_json: bool, **options: Any) -> None:
    """Show what converting INPUT (a file or an http(s) URL) to OUTPUT would do and why, or why it is refused."""
    settings = read_settings(home)
    given = command_line_of(options)
    try:
        view = _plan_view(settings, given.source, given.request)
    except errors.MediaError as refused:
        fail(refused.primary.code, refused.message)
    click.echo(view.model_dump_json(indent=2) if as_json else summary(given.target, view))
    if error := output_error(given):
        click.echo(f"convert would refuse OUTPUT: {error}", err=True)


def _plan_view(settings: Settings, source: str, body: dict[str, Any]) -> PlanView:
    request = parse_request(body | {"url": source if is_url(source) else PLACEHOLDER})
    with sandbox_pool() as pool:
        tools = Tools(pool, ffmpeg_of(settings), limits_of(settings), settings.threads_per_encoder)
        prober = InputProber.from_settings(settings, tools, fetch_policy_of(settings))
        probed = prober.probe_url(source) if is_url(source) else prober.probe_file(Path(source))
        view = plan_dry_run(request, probed, tools, settings.allowed_pairs, partial(_cost_history, settings)).view
        return view.model_copy(update={"input": source})


def _cost_history(settings: Settings, cost_class: str) -> CostHistory:
    """The cost history of the default project; an empty one if no database can be reached."""
    running = Home(settings.root).running_service()
    url = settings.database_url or (running and running.database_url)
    if not url:
        return CostHistory(0)
    records = Records(url)
    try:
        return records.receipts.cost_history(records.keys.default_project(), cost_class)
    except (errors.DatabaseUnavailable, errors.NotFound):
        return CostHistory(0)
    finally:
        records.close()


def summary(target: Path, view: PlanView) -> str:
    """The plan as a few lines of text."""
    facts = (
        f"{view.width}×{view.height}" if view.width else None,
        f"{view.duration:.2f} s" if view.duration else None,
        view.codecs,
    )
    lines = [f"{target}: {', '.join(fact for fact in facts if fact) or view.format}"]
    lines += [f"  {step.stream}: {step.action} {step.codec}, because {step.because}" for step in view.steps]
    return "\n".join([*lines, *_estimate_lines(view.estimate)])


def _estimate_lines(estimate: EstimateView) -> list[str]:
    if estimate.bytes is None or estimate.seconds is None:
        return ["  no estimate yet: too few similar conversions have been made here"]
    size, time = _range(estimate.bytes, 1e6, "MB"), _range(estimate.seconds, 1, "s")
    return [f"  expected: {size}, {time}, from {estimate.tasks} similar conversions"]


def _range(value: RangeView, unit: float, name: str) -> str:
    return f"{value.expected / unit:.2f} {name} ({value.low / unit:.2f} to {value.high / unit:.2f})"
