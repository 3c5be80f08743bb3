"""Which words about a file go with what is made of it."""

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
    """Titles and the like, shortened; places, devices and whatever else there is stay behind."""
    found = {name.lower(): value for name, value in metadata.items()}
    tidy = {name: _printable(found[name]) for name in KEPT_TAGS if name in found}
    return {name: value for name, value in tidy.items() if value}


def _printable(value: str) -> str:
    return "".join(letter for letter in value if letter.isprintable())[:_TAG_CHARACTERS].strip()
