"""`penstock plan INPUT OUTPUT`: what `convert` would do. Needs no running service."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.conversions.collector import collector_off
from penstock.cli.conversions.command_line import CommandLine, command_line_of, input_error, output_error
from penstock.cli.conversions.request_options import fail, request_options
from penstock.domain.errors import MediaError
from penstock.domain.file_names import escaped
from penstock.engines.probe_pool import probe_pool
from penstock.settings.jail_mode import read_jail_mode

if TYPE_CHECKING:
    from penstock.views.plans import EstimateView, PlanView, RangeView


@click.command("plan")
@request_options
@click.option("--home", type=click.Path(path_type=Path), help="Folder of all data and secrets.  [default: ~/.penstock]")
@click.option("--json", "as_json", is_flag=True, help="Print the Plan as JSON.")
def plan_command(home: Path | None, *, as_json: bool, **options: Any) -> None:
    """Show what converting INPUT (a file or an http(s) URL) to OUTPUT would do and why, or why it is refused."""
    given = command_line_of(options.pop("source"), options.pop("target"), options)
    if error := "plan reads no standard input." if given.reads_stream else input_error(given.source):
        raise click.UsageError(escaped(error))
    try:
        with collector_off():
            view = _plan_view(home, given)
    except MediaError as refused:
        fail(refused.primary.code, refused.message)
    click.echo(view.model_dump_json(indent=2) if as_json else summary(escaped(str(given.target)), view))
    if not given.writes_stream and (error := output_error(given)):
        click.echo(f"convert would refuse OUTPUT: {escaped(error)}", err=True)


def _plan_view(home: Path | None, given: CommandLine) -> "PlanView":
    if given.path is None:
        from penstock.cli.conversions.local_plan import plan_url  # noqa: PLC0415 - as below
        from penstock.settings import read_settings  # noqa: PLC0415

        return plan_url(read_settings(home), given.source, given.request)
    with probe_pool(given.path, read_jail_mode()) as pool:
        # Half a second with pydantic, while the child process starts.
        from penstock.cli.conversions.local_plan import plan_file  # noqa: PLC0415
        from penstock.settings import read_settings  # noqa: PLC0415

        view = plan_file(read_settings(home), given.path, given.request, pool)
        return view.model_copy(update={"input": given.source})


def summary(target: str, view: "PlanView") -> str:
    """The plan as a few lines of text."""
    facts = (
        f"{view.width}×{view.height}" if view.width else None,
        f"{view.duration:.2f} s" if view.duration else None,
        view.codecs,
    )
    lines = [f"{target}: {', '.join(fact for fact in facts if fact) or view.format}"]
    lines += [f"  {step.stream}: {step.action} {step.codec}, because {step.because}" for step in view.steps]
    return "\n".join([*lines, *_estimate_lines(view.estimate)])


def _estimate_lines(estimate: "EstimateView") -> list[str]:
    if estimate.bytes is None or estimate.seconds is None:
        return ["  no estimate yet: too few similar conversions have been made here"]
    size, time = _range(estimate.bytes, 1e6, "MB"), _range(estimate.seconds, 1, "s")
    return [f"  expected: {size}, {time}, from {estimate.tasks} similar conversions"]


def _range(value: "RangeView", unit: float, name: str) -> str:
    return f"{value.expected / unit:.2f} {name} ({value.low / unit:.2f} to {value.high / unit:.2f})"
