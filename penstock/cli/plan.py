"""`penstock plan INPUT OUTPUT`: what `convert` would do, told by this command alone: it needs no service."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from penstock.cli.request_options import asked_of, fail, is_address, output_fault, request_options
from penstock.domain import errors
from penstock.domain.planning.forecast import CostHistory
from penstock.domain.request import parse_request
from penstock.dry_run import InputProber, plan_dry_run
from penstock.engines import Tools, sandbox_pool
from penstock.host.home import Home
from penstock.records import Records
from penstock.services import fetch_policy_of, ffmpeg_of, limits_of
from penstock.settings import Settings, read_settings
from penstock.views.plans import EstimateView, PlanView, RangeView

# In the place of an address, for a file of this disk.
LOCAL = "input"


@click.command("plan")
@request_options
@click.option("--home", type=click.Path(path_type=Path), help="Folder of everything kept.  [default: ~/.penstock]")
@click.option("--json", "as_json", is_flag=True, help="Print the Plan as JSON.")
def command(home: Path | None, *, as_json: bool, **options: Any) -> None:
    """Show what converting INPUT (a path or an address) to OUTPUT would do, and why, or that it would be refused."""
    settings = read_settings(home)
    asked = asked_of(options)
    try:
        view = _planned(settings, asked.source, asked.request)
    except errors.MediaError as refused:
        fail(refused.primary.code, refused.message)
    click.echo(view.model_dump_json(indent=2) if as_json else said(asked.target, view))
    if fault := output_fault(asked):
        click.echo(f"convert would refuse this: {fault}", err=True)


def _planned(settings: Settings, source: str, request: dict[str, Any]) -> PlanView:
    asked = parse_request(request | {"url": source if is_address(source) else LOCAL})
    with sandbox_pool() as pool:
        tools = Tools(pool, ffmpeg_of(settings), limits_of(settings), settings.threads_per_encoder)
        looking = InputProber.from_settings(settings, tools, fetch_policy_of(settings))
        look = looking.probe_url(source) if is_address(source) else looking.probe_file(Path(source))
        view = plan_dry_run(asked, look, tools, settings.allowed_pairs, partial(_experience, settings)).view
        return view.model_copy(update={"input": source})


def _experience(settings: Settings, family: str) -> CostHistory:
    """What the default project has learnt, where the database can be reached."""
    running = Home(settings.root).running()
    url = settings.database_url or (running and running.database_url)
    if not url:
        return CostHistory(0)
    records = Records(url)
    try:
        return records.receipts.cost_history(records.keys.default_project(), family)
    except (errors.DatabaseUnavailable, errors.NotFound):
        return CostHistory(0)
    finally:
        records.close()


def said(target: Path, view: PlanView) -> str:
    """The plan in a few lines."""
    facts = (
        f"{view.width}×{view.height}" if view.width else None,
        f"{view.duration:.2f} s" if view.duration else None,
        view.codecs,
    )
    lines = [f"{target}: {', '.join(fact for fact in facts if fact) or view.format}"]
    lines += [f"  {step.stream}: {step.action} {step.codec}, because {step.because}" for step in view.steps]
    return "\n".join([*lines, *_expected(view.estimate)])


def _expected(estimate: EstimateView) -> list[str]:
    if estimate.bytes is None or estimate.seconds is None:
        return ["  nothing is known yet of how long it takes: too few like it have been made here"]
    size, time = _range(estimate.bytes, 1e6, "MB"), _range(estimate.seconds, 1, "s")
    return [f"  expected: {size}, {time}, by {estimate.tasks} like it"]


def _range(known: RangeView, unit: float, name: str) -> str:
    return f"{known.expected / unit:.2f} {name} ({known.low / unit:.2f} to {known.high / unit:.2f})"
