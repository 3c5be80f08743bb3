"""The order of a batch: what its options ask for, checked."""

from difflib import get_close_matches
from typing import Any

import click

from penstock.batches.batch_form import parse_options, parse_spec
from penstock.batches.line_requests import check_defaults
from penstock.cli.batches.places import GivenPlaces, Places, places_of
from penstock.cli.conversions.command_line import fields_of
from penstock.cli.conversions.request_options import option_names
from penstock.domain.batch.batch import BatchOrder
from penstock.domain.batch.naming import parse_template
from penstock.domain.batch.spec import DEFAULT_OUTPUT_NAME
from penstock.domain.errors import MediaError
from penstock.domain.formats import FORMATS, SYNONYMS

_RUN_OPTIONS = ("plan", "limit", "max_hours")
_PIXELS = ("width", "height")


def order_of(options: dict[str, Any]) -> BatchOrder:
    """The order of the parsed options of a batch. Raises `click.UsageError`."""
    places = places_of(_given_places(options))
    format_ = _format(options.pop("format_"), places)
    try:
        run = parse_options(_run_values(options))
        template = _template(options.pop("template"), format_, places)
        values = _spec_values(options, places) | {"output_name": template, "defaults": _defaults(options, format_)}
        check_defaults(values["defaults"])
        return BatchOrder(parse_spec(values), run, trusted=True)
    except MediaError as error:
        raise click.UsageError(option_names(error.message)) from error


def _given_places(options: dict[str, Any]) -> GivenPlaces:
    may_be_beside = options["on_conflict"] != "skip"
    return GivenPlaces(options.pop("source"), options.pop("destination"), options.pop("manifest"), may_be_beside)


def _format(name: str | None, places: Places) -> str | None:
    """The format, which every line of a manifest may name itself. Raises `click.UsageError`."""
    if name is None:
        if places.manifest is None:
            raise click.UsageError(f"Give the format of the outputs: --format {'|'.join(FORMATS)}.")
        return None
    known = [*FORMATS, *SYNONYMS]
    if name.lower() not in known:
        similar = get_close_matches(name.lower(), known, 1)
        suggestion = f"; did you mean {similar[0]}?" if similar else "."
        raise click.UsageError(f"{name} is no output format{suggestion} There are {', '.join(FORMATS)}.")
    return name.lower()


def _template(name: str | None, format_: str | None, places: Places) -> str:
    """The template of names. Where `jpg` is asked for, outputs end with `.jpg`, although the format is `jpeg`."""
    template = parse_template(name or DEFAULT_OUTPUT_NAME).text
    is_synonym = format_ in SYNONYMS and places.manifest is None
    return template.replace("{format}", format_ or "") if is_synonym else template


def _run_values(options: dict[str, Any]) -> dict[str, Any]:
    values = {name: options.pop(name) for name in _RUN_OPTIONS}
    only = "failed" if options.pop("rerun_failed") else "changed"
    return {name: value for name, value in values.items() if value is not None} | {"only": only}


def _spec_values(options: dict[str, Any], places: Places) -> dict[str, Any]:
    return {
        "name": options.pop("title"),
        "source": places.source,
        "manifest": places.manifest,
        "glob": options.pop("glob"),
        "destination": places.destination,
        "on_conflict": options.pop("on_conflict"),
        "min_age_seconds": options.pop("min_age_seconds"),
        "result_manifest": places.result_manifest,
    }


def _defaults(options: dict[str, Any], format_: str | None) -> dict[str, Any]:
    fields = fields_of(options)
    pixels = {name: int(fields[name]) for name in _PIXELS if name in fields and fields[name].is_integer()}
    return ({"format": SYNONYMS.get(format_, format_)} if format_ else {}) | fields | pixels
