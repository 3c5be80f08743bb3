"""The metadata tags that an output keeps."""

KEPT_TAGS = (
    "title",
    "artist",
    "album",
    "album_artist",
    "composer",
    "genre",
    "date",
    "track",
    "disc",
    "copyright",
    "publisher",
    "performer",
)
_TAG_CHARACTERS = 500


def kept_tags(metadata: dict[str, str]) -> dict[str, str]:
    """The tags of `KEPT_TAGS`, printable, at most 500 characters each. Locations, devices and others are dropped."""
    values = {name.lower(): value for name, value in metadata.items()}
    printable = {name: _printable(values[name]) for name in KEPT_TAGS if name in values}
    return {name: value for name, value in printable.items() if value}


def _printable(value: str) -> str:
    return "".join(letter for letter in value if letter.isprintable())[:_TAG_CHARACTERS].strip()
