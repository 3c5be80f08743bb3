"""What the corpus of real files holds, by its manifest. It is read when tests are collected: each file is a test."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.domain.formats import FORMATS, Format, Kind
from penstock.domain.planning.matrix import OUTPUT_KINDS, REFUSED_PAIRS
from penstock.engines import sniff

Pair = tuple[str, str]

KINDS: tuple[Kind, ...] = ("video", "audio", "image")


def outputs_of(kind: Kind, container: str) -> tuple[Format, ...]:
    """The formats that an input can become."""
    return tuple(
        name
        for name, facts in FORMATS.items()
        if facts.kind in OUTPUT_KINDS[kind] and (container, name) not in REFUSED_PAIRS
    )


def corpus_folder() -> Path:
    """`PENSTOCK_CORPUS`, else beside the checkout; it may not be there."""
    beside = Path(__file__).parents[2] / "shared" / "media"
    return Path(os.environ.get("PENSTOCK_CORPUS", beside))


@dataclass(frozen=True)
class CorpusFile:
    """A healthy file, and what the manifest says of it."""

    path: str
    kind: Kind
    container: str
    facts: dict[str, Any]

    @property
    def codecs(self) -> tuple[str, ...]:
        """The codecs of its first picture that moves and its first sound; of an image, whether it is one that moves."""
        if self.kind == "image":
            return ("moving" if self.facts["image"].get("animated") else "still",)
        types = ("video", "audio") if self.kind == "video" else ("audio",)
        return tuple(stream["codec"] for name in types if (stream := self._first(name)))

    @property
    def pairs(self) -> set[Pair]:
        return {(self.container, codec) for codec in self.codecs}

    @property
    def traits(self) -> set[Pair]:
        """The pairs, and what else makes an image another one to its reader."""
        if self.kind != "image":
            return self.pairs
        image = self.facts["image"]
        pages = "one" if (image.get("frames") or 1) == 1 else "several"
        return {*self.pairs, (image["format"], pages)}

    @property
    def outputs(self) -> tuple[Format, ...]:
        """All that it may become."""
        reached = outputs_of(self.kind, self.container)
        silent = self.kind == "video" and self._first("audio") is None
        return tuple(name for name in reached if not (silent and FORMATS[name].kind == "audio"))

    @property
    def cost(self) -> tuple[float, int]:
        """Pixels of its first second, then bytes: what a short conversion takes."""
        if self.kind == "image":
            image = self.facts["image"]
            return image["width"] * image["height"] * (image.get("frames") or 1), self.facts["bytes"]
        picture = self._first("video") if self.kind == "video" else None
        seconds = min(1.0, self.facts["av"].get("duration_s") or 1.0)
        return (picture["width"] * picture["height"] * seconds if picture else seconds), self.facts["bytes"]

    def _first(self, name: str) -> dict[str, Any] | None:
        return next((stream for stream in self.facts["av"]["streams"] if stream["type"] == name), None)


def corpus_files() -> list[CorpusFile]:
    """Every healthy file; none where there is no corpus."""
    return list(_files(corpus_folder()))


def broken() -> list[str]:
    """The names of the files that are damaged, hostile or named for what they are not."""
    return [path.partition("/")[2] for path in _manifest(corpus_folder()) if path.startswith("broken/")]


def cheapest_files(held: list[CorpusFile]) -> list[CorpusFile]:
    """For each trait, above all each pair of a container and a codec, the file that is the cheapest to convert."""
    cheapest: dict[Pair, CorpusFile] = {}
    for holding in sorted(held, key=lambda holding: holding.cost):
        for trait in holding.traits:
            cheapest.setdefault(trait, holding)
    return list({holding.path: holding for holding in cheapest.values()}.values())


def _files(folder: Path) -> Iterator[CorpusFile]:
    for path, facts in _manifest(folder).items():
        for kind in KINDS:
            if path.startswith(f"{kind}/"):
                yield CorpusFile(path, kind, sniff(folder / path).container, facts)


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / "manifest.json"
    if not path.is_file():
        return {}
    return {facts["path"]: facts for facts in json.loads(path.read_text())["files"]}
