"""Replaces in a text what no log may show: credentials, the queries of addresses, keys, and where files are.

Of an address scheme, host and path stay; of a path its last part.
"""

import re

_CREDENTIALS = r"(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-amz-[a-z-]{1,40}|x-goog-[a-z-]{1,40}"
_SECRETS = r"pass(?:word|wd)?|secret|token|sig|signature|api[_-]?key|access[_-]?key(?:[_-]?id)?|auth[_-]?string"
# A value after a name in quotes, as JSON and Python write it: 'a': 'b', (b'a', b'b'), "a": 1.
_QUOTED = r"""(["']\s{0,9}[:=,]\s{0,9}b?)(?:(["'])(?:\\.|(?!\3)[^\\\r\n])*|[^\s"',)}\]]+)"""
_SEPARATOR = r"\s{0,9}[:=]\s{0,9}"

# The query and the fragment of an address, or of a path like /files/x/content?expires=…
_QUERY = re.compile(r"(?<!\S)([^\s/]*/[^\s?#]*)[?#](\S+)")
_CLOSERS = "\"'>)]},;:."

# Each takes linear time, also for a line of 100 kB that a caller made: what repeats is bounded, or ends in a match.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # user:password@ of an address
    (re.compile(r"(?<=://)[^/\s?#]*@"), "…@"),
    # headers, which may have several words
    (re.compile(rf"({_CREDENTIALS}){_QUOTED}", re.IGNORECASE), r"\1\2\3…"),
    (re.compile(rf"({_CREDENTIALS})({_SEPARATOR})(?!\s)[^\r\n]+", re.IGNORECASE), r"\1\2…"),
    (re.compile(r"\b(bearer|basic)\s{1,9}[\w.~+/=-]{8,}", re.IGNORECASE), r"\1 …"),
    (re.compile(rf"({_SECRETS}){_QUOTED}", re.IGNORECASE), r"\1\2\3…"),
    (
        re.compile(rf"""({_SECRETS})({_SEPARATOR})(?!\s)(?:(["'])(?:\\.|(?!\3)[^\\\r\n])*)?\S*""", re.IGNORECASE),
        r"\1\2…",
    ),
    # our API keys, and the ids of AWS keys
    (re.compile(r"penstock_[\w-]{20,}"), "penstock_…"),
    (re.compile(r"(?:AKIA|ASIA)[0-9A-Z]{16,}"), "…"),
)
# An absolute path of two parts or more; what follows a host is none. `file:///a/b` is one.
_PATH = re.compile(r"""(?:\bfile://|(?<![\w:/.…~-]))(?:/[^\s/'",:;()<>]+)+/([^\s/'",:;()<>]*)""", re.IGNORECASE)
# A line of a traceback that says where code is.
_FRAME = re.compile(r'^\s*File "')


def redacted(text: str) -> str:
    """The text without secrets and folders."""
    return _PATH.sub(r"…/\1", without_secrets(text))


def redacted_traceback(text: str) -> str:
    """The same for a formatted traceback: it still says in which files the code is."""
    return "\n".join(without_secrets(line) if _FRAME.match(line) else redacted(line) for line in text.split("\n"))


def without_secrets(text: str) -> str:
    """The text without secrets."""
    text = _QUERY.sub(_without_query, text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _without_query(found: re.Match[str]) -> str:
    """The quotes and brackets that close around an address stay."""
    address, query = found.groups()
    return f"{address}?…{query[len(query.rstrip(_CLOSERS)) :]}"
