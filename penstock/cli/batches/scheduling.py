"""What a schedule runs: the parameter of the deployment `convert-batch`, made of the options and checked."""

from typing import Any

import click

from penstock.batches.batch_form import parse_form
from penstock.cli.batches.ordering import order_of
from penstock.conversion.line_files import require_within_roots
from penstock.domain.batch.addresses import path_in, scheme_of
from penstock.domain.batch.spec import DEFAULT_OUTPUT_NAME, Only
from penstock.domain.errors import RequestError, UrlForbidden

_SPEC_FIELDS = ("source", "manifest", "glob", "destination", "on_conflict", "min_age_seconds", "result_manifest")
_NO_RUN_OPTIONS = {"plan": False, "limit": None, "rerun_failed": False, "title": None}


def batch_of(name: str, options: dict[str, Any], batch_roots: str, only: Only) -> dict[str, Any]:
    """The batch of a schedule of this name, which converts these of its lines.

    Raises `click.UsageError`, also for what is outside `batch_roots`."""
    max_hours = options["max_hours"]
    order = order_of(options | _NO_RUN_OPTIONS)
    spec = order.spec.model_dump(exclude_defaults=True)
    fields = {field: spec[field] for field in _SPEC_FIELDS if field in spec} | {"name": name} | order.spec.defaults
    if order.spec.output_name != DEFAULT_OUTPUT_NAME:
        fields["output_name"] = order.spec.output_name
    batch = fields | ({"max_hours": max_hours} if max_hours else {}) | ({"only": only} if only != "changed" else {})
    try:
        parsed, _ = parse_form(batch)
        require_within_roots(parsed, batch_roots)
    except UrlForbidden as error:
        raise click.UsageError(_not_allowed(error.detail or "", batch_roots)) from error
    except RequestError as error:
        raise click.UsageError(error.message) from error
    return batch


def _not_allowed(address: str, batch_roots: str) -> str:
    place = path_in(address) if scheme_of(address) == "file" else address
    roots = ",".join(filter(None, (batch_roots, place)))
    return (
        f"{place} may not be used by schedules. To allow it, start the service with PENSTOCK_BATCH_ROOTS={roots}"
        " (in its environment or .env)."
    )
