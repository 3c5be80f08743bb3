"""One conversion from a file to checked facts, for tests that look at what came out."""

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
class Made:
    """What a conversion left behind."""

    path: Path
    plan: Plan
    facts: FileFacts
    media: Media


def request_for(output: Format, **fields: Any) -> SourceRequest:
    return parse_request({"url": "https://example.com/input", "kind": kind_of(output), "format": output, **fields})


def convert(path: Path, output: Format, room: Path, tools: Tools, **fields: Any) -> Made:
    """Probe, plan, encode, verify."""
    return convert_probed(path, probe(path, tools), output, (room, tools), **fields)


def convert_probed(path: Path, media: Media, output: Format, where: tuple[Path, Tools], **fields: Any) -> Made:
    """The same of a file whose facts are known."""
    room, tools = where
    plan = plan_for(request_for(output, **fields), media, tools.limits)
    made = encode(plan, MediaFile(path, media), room, tools)
    verified = verify(made, plan, media, tools)
    return Made(made, plan, verified.facts, verified.read_back.media)
