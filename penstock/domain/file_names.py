"""The names of files as people see them: cleaned, and never a part of an address that may be a secret."""

import re
import unicodedata
from urllib.parse import quote, unquote, urlsplit

from penstock.domain.secret_urls import looks_like_token

MAX_LENGTH = 120
# Control and formatting characters (among them those that reverse the order of text), surrogates, private and
# unassigned characters, line separators.
_UNPRINTABLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_IN_ADDRESS = re.compile(r"[\w .()\[\]'+-]{1,40}\.[A-Za-z0-9]{1,5}")
# Those that RFC 8187 does not want encoded.
_UNRESERVED = "!#$&+-.^_`|~"
_QUERY = re.compile(r"\?[^?]*=.*", re.DOTALL)
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}$")


def clean_name(given: str) -> str | None:
    """The last part of a path without characters that cannot be shown, at most `MAX_LENGTH` long with its ending kept;
    None where nothing is left. Without the query of an address, which some programs save a download with."""
    last = re.split(r"[/\\]", _QUERY.sub("", given))[-1]
    shown = "".join(" " if unicodedata.category(c) in _UNPRINTABLE else c for c in unicodedata.normalize("NFC", last))
    name = " ".join(shown.split()).strip(". ")
    if len(name) <= MAX_LENGTH:
        return name or None
    ending = _ending(name)
    return f"{name[: MAX_LENGTH - 1 - len(ending)]}…{ending}"


def escaped(text: str) -> str:
    """Text with names of files for a terminal: in one line, and nothing in it controls the terminal."""
    return "".join(ascii(c)[1:-1] if unicodedata.category(c) in _UNPRINTABLE else c for c in text)


def name_in_address(url: str) -> str | None:
    """The last part of the URL's path where that is a file name as people give it.

    Never the query, and nothing long and random: knowing that may be enough to download the file."""
    try:
        last = unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:  # no valid URL
        return None
    return last if _IN_ADDRESS.fullmatch(last) and not looks_like_token(last) else None


def output_name(input_name: str | None, file_format: str) -> str | None:
    """The name of an output: its input's with the new ending."""
    return f"{_ENDING.sub('', input_name)}.{file_format}" if input_name else None


def content_disposition(name: str) -> str:
    """The header that gives a download this name (RFC 6266): in ASCII, and as UTF-8 where that differs (RFC 8187)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r'["\\/%]', "_", plain)
    header = f'inline; filename="{plain}"'
    return header if plain == name else f"{header}; filename*=UTF-8''{quote(name, safe=_UNRESERVED)}"


def _ending(name: str) -> str:
    found = _ENDING.search(name)
    return found[0] if found else ""
