"""Convert one file and check the output, as the tests of whole conversions need it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.domain.formats import Format, kind_of
from penstock.domain.media import Media
from penstock.domain.planning.plan import Plan
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import SourceRequest, parse_request
from penstock.domain.task import FileFacts
from penstock.engines import MediaFile, Tools, encode, probe, verify


@dataclass(frozen=True)
class Converted:
    """The output of a conversion."""

    path: Path
    plan: Plan
    facts: FileFacts
    media: Media


def request_for(output: Format, **fields: Any) -> SourceRequest:
    return parse_request({"url": "https://example.com/input", "kind": kind_of(output), "format": output, **fields})


def convert(path: Path, output: Format, tmp_path: Path, tools: Tools, **fields: Any) -> Converted:
    """Probe, plan, encode, verify."""
    return convert_probed(path, probe(path, tools), output, (tmp_path, tools), **fields)


def convert_probed(path: Path, media: Media, output: Format, where: tuple[Path, Tools], **fields: Any) -> Converted:
    """The same, for a file that has been probed."""
    tmp_path, tools = where
    plan = plan_for(request_for(output, **fields), media, tools.limits)
    converted = encode(plan, MediaFile(path, media), tmp_path, tools)
    verified = verify(converted, plan, media, tools)
    return Converted(converted, plan, verified.facts, verified.read_back.media)
