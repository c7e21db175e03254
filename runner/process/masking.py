"""Secrets are shown and stored nowhere: passwords in URIs and queries, headers, settings called so.

A value, whole as a config has it, is read as a URI is. In a text, where nothing says where a URI ends,
patterns are looked for, and the secrets of this process: those in its environment and on its command line.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import yaml

MASK = "***"

SLASHES = r"(?<=\w)\\{0,4}:/{1,2}"
"""What stands behind a URI's scheme. A path leaves one slash of two; Hydra's grammar escapes colons."""

SCHEME = rf"\w[\w+.-]{{0,40}}{SLASHES}"

NAMES = (
    r"[\w.-]{0,60}(?:password|passwd|passphrase|passwort|pwd|token|secret|api_?key|access_?key|"
    r"secret_?key|private_?key|credentials?|authorization)"
)
"""What secrets are called, in queries and as keys."""

USER = re.compile(
    rf"({SLASHES})(?:"
    r"[^/\s'\"@:]{1,4000}"  # a name alone, which may be a token
    r"|[^/\s'\"@:]{0,4000}:(?!\d+(?:[/\s'\"?#,;)\]}]|$))(?=\S)(?:(?!:/)[^\n@]){0,4000}"  # no port
    r")@(?:(?:(?!:/)[^\s'\"@]){0,4000}@)*"
)
"""A user, or a user and a password, before a host, in a text; what follows a port and a slash is a path.

The lengths are bounded, since the time for a long text would grow with its square."""

ENCODED_USER = re.compile(r"((?<=\w)%3A%2F%2F)[^\s'\"/&=?#]{1,4000}?%40", re.IGNORECASE)
"""The same in a URI that is percent-encoded as a whole, as in another's query."""

ASKED = rf"(?:{NAMES}|user|username|uid|pass|signature|sig)"
QUERY = re.compile(rf"((?:[?&;]|%3F|%26)(?:amp;)?{ASKED}(?:\\{{0,4}}=|%3D))[^&#\s'\"<>)\]}}]+", re.IGNORECASE)
VALUE_QUERY = re.compile(rf"([?&;]{ASKED}\\{{0,4}}=)[^&#]+?(?=[&#]|['\"]?$)", re.IGNORECASE)
"""A secret in a URI's query, in a text and in a value."""

PARAMETER = re.compile(r"[?&][\w.-]+=")

HEADER = re.compile(
    r"(\bauthorization['\"]?\s{0,9}[:=]\s{0,9}['\"]?(?:(?:basic|bearer|digest|token)\s+)?|\bbearer\s+)"
    r"[\w.~+/=-]{4,}",
    re.IGNORECASE,
)
"""What a request says of itself to a server."""

SETTING = re.compile(
    r"(\b(?:[A-Z][A-Z0-9_]{0,60}_)?(?:PASSWORD|PASSWD|TOKEN|SECRET|API_KEY|ACCESS_KEY)=['\"]?)[^\s'\"]+"
)
"""A variable of the environment."""

SECRET_KEY = re.compile(rf"(?:.*[./])?{NAMES}", re.IGNORECASE)
VALUE = re.compile(rf"[+~]{{0,2}}([\w.@/-]*)=|['\"\[({{\s]*{SCHEME}")
"""How a value begins that is a URI, or a word of a command line that gives one."""

NEXT = re.compile(r"(?<=[\s,;'\"\[({|])[A-Za-z][\w+.-]{0,40}\\{0,4}://")
"""Where another URI begins."""

SHORTEST, SHORTEST_VARIABLE = 4, 8
"""Characters of a secret that is looked for in texts as it is: shorter ones are in other words by chance."""


SUSPICIOUS = re.compile(r"[:=]|%3|bearer", re.IGNORECASE)
"""Texts without it match none of the patterns."""


def masked(text: str, *sources: str) -> str:
    """A text that names no secret.

    Args:
        text: of any kind.
        sources: URIs or words of a command line: their secrets, and parts of them, are not to be in it.

    >>> masked("tracking.uri=https://me:secret@host/path")
    'tracking.uri=https://***@host/path'
    >>> masked("no access to db?user=me&password=secret&ssl=1")
    'no access to db?user=***&password=***&ssl=1'
    """
    text = _masked(text, [*_in_every_spelling(sources, frozenset()), *own_secrets()])
    for piece in sorted({each for source in sources for each in pieces(source)}, key=len, reverse=True):
        text = text.replace(piece, MASK)
    return text


def masked_value(value: str) -> str:
    """A value of a config, or a word of a command line; all of it is read as one URI, or as several.

    >>> masked_value("tracking.uri=postgresql://me:it's a/secret@host/db?password=a b")
    'tracking.uri=postgresql://***@host/db?password=***'
    """
    return _masked_value(value, own_secrets())


def masked_words(words: Iterable[str]) -> str:
    """Words of a command line, one after another."""
    return " ".join(map(masked_value, words))


def masked_values(value: Any) -> Any:
    """Plain mappings, lists and scalars, each text in them masked."""
    return _masked_values(value, None, own_secrets())


@contextmanager
def masked_file(path: Path) -> Iterator[Path]:
    """A file to hand on: itself, or if it is a text with secrets in it a masked copy of the same name."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # a picture
        yield path
        return
    told = masked_content(path.suffix, text)
    if told == text:
        yield path
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        copy.write_text(told, encoding="utf-8")
        yield copy


def masked_content(suffix: str, text: str) -> str:
    """A file's text; where its form says what a value is, each is read as one."""
    if suffix == ".yaml":
        return _masked_as(yaml.safe_load, _to_yaml, text)
    if suffix == ".json":
        return _masked_as(json.loads, json.dumps, text)
    if suffix == ".jsonl":
        return "".join(_masked_as(json.loads, _line, line) for line in text.splitlines(keepends=True))
    return masked(text)


def secrets_of(source: str) -> set[str]:
    """The passwords and tokens that a URI, or a word of a command line, names; as they stand there."""
    found = set()
    for part in _uris_in(source):
        place = _user_in(part)
        if place is not None:
            user, _, password = part[slice(*place)].partition(":")
            found.add(password or user)
        found |= {each[0].partition("=")[2].rstrip("'\"") for each in VALUE_QUERY.finditer(part)}
    key = VALUE.match(source)
    if key is not None and key[1] and SECRET_KEY.fullmatch(key[1]):
        found.add(source[key.end() :].strip("'\""))
    return found - {""}


def pieces(source: str) -> set[str]:
    """The secrets of a URI in every spelling, and their parts: a program that misreads a URI says one."""
    spelt = {each for secret in secrets_of(source) for each in spellings(secret)}
    parts = {part for each in spelt for part in re.split(r"[@:/?#&=\s'\"\\,]+", each)}
    return {each for each in spelt | parts if len(each) >= SHORTEST and each != MASK}


def spellings(secret: str) -> set[str]:
    """How a secret may be written: as it stands, with percents or without, as in Python, JSON or YAML."""
    bare = {secret, unquote(secret), unquote_plus(secret), re.sub(r"\\(.)", r"\1", secret)}
    written = {form(each) for each in bare for form in (quote, quote_plus, lambda each: quote(each, safe=""))}
    escaped = {form(each)[1:-1] for each in bare for form in (repr, json.dumps)}
    return bare | written | escaped | {each.replace("'", "''") for each in bare}


def own_secrets() -> Sequence[str]:
    """The secrets of this process: in its environment and on its command line; the longest first."""
    variables = [(name, value) for name, value in os.environ.items() if _is_telling(name)]
    uris = (value for _, value in variables if "://" in value)
    others = (value for _, value in variables if "://" not in value and len(value) >= SHORTEST_VARIABLE)
    return _in_every_spelling((*sys.argv[1:], *uris), frozenset(others))


@lru_cache(maxsize=1000)
def _is_telling(name: str) -> bool:
    """Whether a variable of the environment is called like a secret, or like a URI, which may hold one."""
    return name.endswith(("_URI", "_URL")) or SETTING.fullmatch(f"{name}=x") is not None


@lru_cache(maxsize=8)
def _in_every_spelling(sources: tuple[str, ...], secrets: frozenset[str]) -> list[str]:
    found = set(secrets).union(*map(secrets_of, sources))
    spelt = {each for secret in found for each in spellings(secret)}
    return sorted((each for each in spelt if len(each) >= SHORTEST), key=lambda each: (-len(each), each))


def _masked(text: str, known: Sequence[str]) -> str:
    for secret in known:
        text = text.replace(secret, MASK)
    if SUSPICIOUS.search(text) is None:
        return text
    text = USER.sub(rf"\1{MASK}@", text)
    text = ENCODED_USER.sub(rf"\1{MASK}%40", text)
    for pattern in (QUERY, HEADER, SETTING):
        text = pattern.sub(rf"\1{MASK}", text)
    return text


def _masked_value(value: str, known: Sequence[str]) -> str:
    found = VALUE.match(value)
    if found is None:
        return _masked(value, known)
    if found[1] and SECRET_KEY.fullmatch(found[1]) and len(value) > found.end():
        return found[0] + MASK
    return _masked("".join(map(_masked_uri, _uris_in(value))), known)


def _masked_values(value: Any, key: object, known: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {name: _masked_values(each, name, known) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked_values(each, key, known) for each in value]
    if isinstance(value, str | int) and value not in ("", True, False) and SECRET_KEY.fullmatch(str(key)):
        return MASK
    return _masked_value(value, known) if isinstance(value, str) else value


def _uris_in(value: str) -> list[str]:
    """A value in pieces, each with at most one URI in it."""
    starts = [0, *(each.start() for each in NEXT.finditer(value)), len(value)]
    return [value[start:end] for start, end in pairwise(starts)]


def _masked_uri(part: str) -> str:
    """A text with one URI in it, as a value."""
    place = _user_in(part)
    if place is not None:
        part = part[: place[0]] + MASK + part[place[1] :]
    return VALUE_QUERY.sub(rf"\1{MASK}", part)


def _user_in(part: str) -> tuple[int, int] | None:
    """Where a URI names its user, from the scheme to the last ``@`` before its query."""
    scheme = re.search(SCHEME, part)
    if scheme is None:
        return None
    rest = part[scheme.end() :]
    port = r"(?!\d+/)" if scheme[0].startswith("http") else ""  # SQLAlchemy takes a slash for the password's
    if not re.match(rf"[^/:@?#\[]*@|[^/:@?#\[]*:{port}[^@]*@", rest):
        return None
    query = PARAMETER.search(rest, rest.index("@"))
    return scheme.end(), scheme.end() + rest.rindex("@", 0, query.start() if query else len(rest))


def _masked_as(read: Any, write: Any, text: str) -> str:
    """A text in some form: the same if no value in it is a secret; as any text if it is not of that form."""
    try:
        content = read(text)
    except (ValueError, yaml.YAMLError, RecursionError):
        return masked(text)
    told = masked_values(content)
    return masked(text if told == content else write(told))


def _to_yaml(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _line(content: object) -> str:
    return json.dumps(content) + "\n"
