"""Addresses that are secrets: whoever has one may read, or reach, what is behind it."""

import re
from itertools import pairwise
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from penstock.domain import errors

# What stands in the place of an address that is not for all eyes.
HIDDEN = "an address that is not shown here"

SECRET_WORDS = (
    "sig", "token", "key", "secret", "pass", "auth", "credential", "policy", "jwt", "hash", "hmac", "code",
    "x-amz-", "x-goog-",
)  # fmt: skip
_SECRET_NAMES = re.compile("|".join(SECRET_WORDS), re.IGNORECASE)

# The same for a JSON schema, which knows no ignoring of case: credentials, a fragment, or a parameter of such a name.
_ANY_CASE = "|".join("".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in word) for word in SECRET_WORDS)
SECRET_PATTERN = rf"^[^/?#]*//[^/?#]*@|#|[?&][^=&]*({_ANY_CASE})[^=&]*(=|&|$)"

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_WORDS = re.compile(r"[A-Za-z0-9]+")
# So long a word, or so long a name of several, is random where its letters, digits and cases take turns like that.
_LONG_WORD, _LONG_NAME = 8, 20
_TURNS = 0.25
# No word that people write is so long.
_LONGEST_WORD = 24


def require_no_secret(url: str, field: str = "url") -> None:
    """Refuse an address that would be shown in clear. Raises `FieldInvalid` for one with credentials or a signature."""
    if _carries_secret(url):
        raise _refusal(field)


def require_no_secret_anywhere(url: str, field: str) -> None:
    """The same where the path alone may be the secret, as it is of many webhooks."""
    if not is_safe_to_show(url):
        raise _refusal(field)


def is_safe_to_show(url: str) -> bool:
    """Whether everybody may see an address: it carries no secret, and no part of its path looks like one."""
    parts = _parts(url)
    if parts is None or _carries_secret(url):
        return False
    return not any(looks_like_token(part) for part in unquote(parts.path).split("/"))


def looks_like_token(name: str) -> bool:
    """Whether a name was made by a machine, to be guessed by nobody: a UUID, hex, base64 and the like."""
    words = _WORDS.findall(name)
    joined = "".join(words)
    return (
        _UUID.search(name) is not None
        or any(len(word) >= _LONGEST_WORD for word in words)
        or any(len(word) >= _LONG_WORD and _takes_turns(word) for word in words)
        or (len(joined) >= _LONG_NAME and _takes_turns(joined))
    )


def _takes_turns(word: str) -> bool:
    turns = sum(a.isdigit() != b.isdigit() or (a.islower() and b.isupper()) for a, b in pairwise(word))
    return turns > _TURNS * (len(word) - 1)


def _carries_secret(url: str) -> bool:
    parts = _parts(url)
    if parts is None:
        return False
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    return parts.username is not None or bool(parts.fragment) or any(map(_SECRET_NAMES.search, names))


def _parts(url: str) -> SplitResult | None:
    """None for what is no address at all: that is refused elsewhere."""
    try:
        parts = urlsplit(url)
        _ = parts.username
    except ValueError:
        return None
    return parts


def _refusal(field: str) -> errors.FieldInvalid:
    return errors.FieldInvalid(
        f"{field} carries a secret, and parameters of a flow run are shown to everybody: send it to the API instead.",
        field=field,
    )
