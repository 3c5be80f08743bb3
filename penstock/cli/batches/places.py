"""SOURCE, DEST and the manifests of a batch: checked before anything is started, where that is possible."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from penstock.domain.batch.addresses import normalized_address, path_in, scheme_of
from penstock.domain.batch.manifest import read_manifest
from penstock.domain.errors import MediaError
from penstock.storage.locations import open_location

MANIFEST_ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson")
RESULT_ENDINGS = (".csv", ".jsonl", ".ndjson")
SOURCES = "a folder, a prefix like s3://bucket/name, or a manifest (.csv or .jsonl)"


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses of a batch: a source or a manifest of inputs, the destination, and the result manifest."""

    source: str | None
    manifest: str | None
    destination: str
    result_manifest: str | None


@dataclass(frozen=True, slots=True)
class GivenPlaces:
    """What the user wrote. `may_be_beside`: the outputs may be written into the folder of the inputs."""

    source: str
    destination: str
    result_manifest: str | None
    may_be_beside: bool


def places_of(given: GivenPlaces) -> Places:
    """The addresses. Raises `click.UsageError` for what cannot be read, cannot be written, or is the same."""
    source, destination = _address(given.source, "SOURCE"), _address(given.destination, "DEST")
    result = normalized_address(given.result_manifest) if given.result_manifest else None
    is_manifest = _is_manifest(source)
    for error in (
        _source_error(source, given.source, is_manifest=is_manifest),
        _folder_error(destination, given.destination),
        _same_error(source, destination, given),
        _result_error(result or f"{destination}/manifest.jsonl", source, given),
    ):
        if error:
            raise click.UsageError(error)
    manifest = source if is_manifest else None
    return Places(None if is_manifest else source, manifest, destination, result)


def _address(text: str, name: str) -> str:
    if scheme_of(text) in ("http", "https"):
        raise click.UsageError(
            f"{name} cannot be a URL; it is {SOURCES if name == 'SOURCE' else 'a folder or a prefix'}."
            " A manifest may list URLs; for a single one there is `penstock convert`."
        )
    try:
        open_location(text, None)
    except MediaError as error:
        raise click.UsageError(f"{name} {text}: {error.message}") from error
    return normalized_address(text)


def _is_manifest(source: str) -> bool:
    return source.lower().endswith(MANIFEST_ENDINGS) and not (_is_local(source) and Path(path_in(source)).is_dir())


def _source_error(source: str, given: str, *, is_manifest: bool) -> str | None:
    if not _is_local(source):
        return None
    path = Path(path_in(source))
    if not path.exists():
        return f"There is no file or folder {given}."
    if path.is_dir():
        return None if os.access(path, os.R_OK | os.X_OK) else f"{given} cannot be read: no permission."
    if is_manifest:
        return _manifest_error(path, given)
    return f"{given} is a file; SOURCE is {SOURCES}. For one file there is `penstock convert`."


def _manifest_error(path: Path, given: str) -> str | None:
    """Why it is no manifest, by its first line."""
    try:
        with path.open("rb") as file:
            next(read_manifest(file), None)
    except MediaError as error:
        return f"{given} is no manifest: {error.message}"
    except OSError as error:
        return f"{given} cannot be read: {error.strerror}."
    return None


def _folder_error(destination: str, given: str) -> str | None:
    """Why no output can be written into a local folder, which need not exist."""
    if not _is_local(destination):
        return None
    path = Path(path_in(destination))
    existing = next(each for each in (path, *path.parents) if each.exists())
    if not existing.is_dir():
        return f"{given} cannot be a folder: {existing} is a file."
    return None if os.access(existing, os.W_OK | os.X_OK) else f"{given} cannot be written: no permission."


def _same_error(source: str, destination: str, given: GivenPlaces) -> str | None:
    if _real(source) != _real(destination) or given.may_be_beside:
        return None
    return (
        "DEST is SOURCE; choose another folder. To write the outputs beside their inputs, give --on-conflict rename,"
        " or overwrite, which replaces inputs whose output has the same name."
    )


def _result_error(result: str, source: str, given: GivenPlaces) -> str | None:
    if not result.lower().endswith(RESULT_ENDINGS):
        return f"{given.result_manifest} must end with .csv or .jsonl, which is its format."
    if result == source:
        return "The result manifest would replace SOURCE; name another one with --manifest."
    if not _is_local(result):
        return None
    path = Path(path_in(result))
    return f"{path} is a folder; --manifest names a file." if path.is_dir() else _folder_error_of_manifest(path, given)


def _folder_error_of_manifest(path: Path, given: GivenPlaces) -> str | None:
    return _folder_error(f"file://{path.parent}", str(path.parent)) if given.result_manifest else None


def _is_local(address: str) -> bool:
    return scheme_of(address) == "file"


def _real(address: str) -> str:
    return os.path.realpath(path_in(address)) if _is_local(address) else address
