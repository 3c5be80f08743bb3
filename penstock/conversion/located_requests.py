"""Requests of deployments: which folders and prefixes they may name, and whether they are converted again."""

from dataclasses import replace

from penstock.conversion.located_files import LocatedFiles, is_located
from penstock.domain import errors
from penstock.domain.batch.addresses import split_address
from penstock.domain.batch.batch import KnownTask
from penstock.domain.batch.deciding import OUTPUT_EXISTS, Decision, decide, existing_output
from penstock.domain.batch.lines import LineRequest
from penstock.domain.batch.roots import parse_roots
from penstock.domain.ids import ProjectId
from penstock.domain.request import SourceRequest
from penstock.domain.task import InputVersion
from penstock.services import Services
from penstock.storage.download import is_unchanged as is_unchanged_on_the_web
from penstock.storage.locations.location import require_plain_name
from penstock.storage.locations.opening import real_address, resolved_roots


def require_request_allowed(request: SourceRequest, batch_roots: str) -> None:
    """Raise `UrlForbidden` for an input or a destination outside these roots, and `FieldInvalid` where they are one
    file, also by symbolic links. Nothing is read there before."""
    if not isinstance(request, LineRequest):
        return
    roots = resolved_roots(parse_roots(batch_roots))
    named = {"url": request.url, "destination": request.destination}
    real = {field: real_address(address) for field, address in named.items() if is_located(address)}
    for field, address in real.items():
        roots.require_within(split_address(address)[0], field)
    if "destination" in real and real["destination"] == real.get("url"):
        raise errors.FieldInvalid("The output would replace its own input.", field="destination")


def request_now(request: SourceRequest, owner: ProjectId, services: Services) -> SourceRequest:
    """The request as it is to be submitted: `fresh` where its input has changed since it was converted, or its output
    is not at its destination.

    Raises `FieldInvalid` where another file has the name of the output, what asking for the input raises, and of a
    destination what `Location.require_writable` raises."""
    if isinstance(request, LineRequest) and request.destination is not None:
        return _with_destination(request, request.destination, owner, services)
    known = services.records.tasks.find_current(owner, request)
    if known is None or known.status != "completed" or is_unchanged(request, known.input_version, services):
        return request
    return request.model_copy(update={"fresh": True})


def is_unchanged(request: SourceRequest, version: InputVersion | None, services: Services) -> bool:
    """Whether the input still is this version, which was converted; False where none was recorded."""
    if request.file_id is not None or request.url is None:
        return True
    if version is None:
        return False
    if not is_located(request.url):
        return is_unchanged_on_the_web(request.url, version, services.fetch_policy)
    found = LocatedFiles("", services).stat(request.url)
    return found is not None and (found.size, found.version) == (version.length, version.etag)


def _with_destination(request: LineRequest, destination: str, owner: ProjectId, services: Services) -> LineRequest:
    known = services.records.batch_items.known_tasks(owner, [request.fingerprint()]).get(request.fingerprint())
    if known is not None and known.status == "processing":
        return request
    decision = _decision(request, destination, known, services)
    if decision.skip_reason == OUTPUT_EXISTS:
        raise errors.FieldInvalid(
            "A file has the name of the output; `overwrite` replaces it.", field="destination", detail=destination
        )
    is_again, replaces = decision.skip_reason is None, request.replaces or decision.replaces
    return request.model_copy(update={"fresh": is_again, "replaces": replaces})


def _decision(request: LineRequest, destination: str, known: KnownTask | None, services: Services) -> Decision:
    """By the rules of batches; but whether the output of an interrupted run is replaced is decided by the next run,
    which compares its sha256."""
    location, name = LocatedFiles("", services).located(destination, "destination")
    require_plain_name(name)
    is_done, existing = known is not None and known.status == "completed", existing_output(known, location.stat(name))
    decision = decide(
        existing,
        known,
        is_unchanged=is_done and known is not None and is_unchanged(request, known.input_version, services),
        rule="overwrite" if request.replaces else "skip",
        only="all" if request.fresh else "changed",
    )
    if decision.skip_reason is None:
        location.require_writable(f"request-{request.fingerprint()[:16]}")
    return replace(decision, replaces=False) if existing is not None and existing.is_noted else decision
