"""Who calls a plain Airflow URL, from environment variables or a small file: never from the command line."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from validator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

USER = "MWAA_GATE_AIRFLOW_USER"
PASSWORD = "MWAA_GATE_AIRFLOW_PASSWORD"  # noqa: S105 - the variable's name
TOKEN = "MWAA_GATE_AIRFLOW_TOKEN"  # noqa: S105 - the variable's name
MAX_FILE = 64 * 1024
"""Bytes of a credentials file."""
_FORM = "Write `user: NAME` and `password: PASSWORD`, or `token: TOKEN`, as YAML or JSON."
_CONTROLS = {*range(0x20), *range(0x7F, 0xA0)}

_Pairs = list[tuple[object, object]]


@dataclass(frozen=True)
class Auth:
    """Who calls: nobody, a user with a password, or the bearer of a token. Secrets stay out of its repr.

    Raises:
        UsageError: something is missing, or cannot be sent; it never quotes a value.
    """

    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be sent here, since http.client would quote it in its message."""
        if self.token is not None and (self.user, self.password) != (None, None):
            raise UsageError("Both a user and a token are given for Airflow", advice="Give one of them.")
        if (self.user is None) != (self.password is None):
            raise UsageError("A user for Airflow needs a password, and a password a user")
        for what, value in (("user", self.user), ("password", self.password)):
            if value is not None:
                _check(what, value)
        if self.user is not None and ":" in self.user:
            raise UsageError("A user's name cannot hold a colon (RFC 7617)")
        if self.token is not None and not is_token(self.token):
            raise UsageError(
                "The token for Airflow is empty or holds characters that no header can carry",
                advice="Give the token alone: no blank, no line break, no quotes, no `Bearer` before it.",
            )

    @property
    def is_nobody(self) -> bool:
        """No credentials are given."""
        return self.user is None and self.token is None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown: in the clear, and as its header carries it."""
        if self.user is not None and self.password is not None:
            return (self.password, basic(self.user, self.password))
        return (self.token,) if self.token is not None else ()

    def header(self) -> dict[str, str]:
        """The Authorization header, or nothing."""
        if self.token is not None:
            return bearer(self.token)
        if self.user is not None and self.password is not None:
            return {"Authorization": f"Basic {basic(self.user, self.password)}"}
        return {}


NO_AUTH = Auth()


def airflow_auth(environ: Mapping[str, str], file: str | None) -> Auth:
    """Who calls Airflow, as `environ` or the credentials file says; nobody where neither says a thing.

    Args:
        environ: the environment variables. An empty one counts as not set.
        file: the path of a small YAML mapping or JSON object with `user` and `password`, or `token`.

    Raises:
        UsageError: both are given, one is incomplete, or the file cannot be used. It never quotes a value.
    """
    given = {name: environ[name] for name in (USER, PASSWORD, TOKEN) if environ.get(name)}
    if file:
        if given:
            raise UsageError(
                f"Credentials for Airflow are given twice: in --airflow-credentials and in {' and '.join(given)}",
                advice="Give one of them, and unset the other.",
            )
        return _from_file(file)
    if TOKEN in given and len(given) > 1:
        raise UsageError(
            f"Credentials for Airflow are given twice: in {' and in '.join(given)}",
            advice="Set a user and a password, or a token.",
        )
    if TOKEN not in given and len(given) == 1:
        (found,) = given
        raise UsageError(
            f"{found} is set, but {USER if found == PASSWORD else PASSWORD} is not", advice="Set both."
        )
    return _made(" and ".join(given), given.get(USER), given.get(PASSWORD), given.get(TOKEN))


def basic(user: str, password: str) -> str:
    """The pair as basic authentication carries it (RFC 7617, UTF-8)."""
    return base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def bearer(token: str) -> dict[str, str]:
    """The Authorization header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def is_token(text: object) -> bool:
    """Whether a header can carry it as a token."""
    return isinstance(text, str) and text != "" and all("!" <= char <= "~" for char in text)


def _check(what: str, value: str) -> None:
    if not value:
        raise UsageError(f"The {what} for Airflow is empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"The {what} for Airflow is no valid UTF-8 text") from None
    if any(ord(char) in _CONTROLS for char in value):
        raise UsageError(
            f"The {what} for Airflow holds a line break or another control character",
            advice="A line break at its end is easily added by the tool that stores it: take it off.",
        )


def _made(
    source: str, user: str | None = None, password: str | None = None, token: str | None = None
) -> Auth:
    try:
        return Auth(user, password, token)
    except UsageError as error:
        raise UsageError(f"{source}: {error.message}", advice=error.advice) from None


def _from_file(file: str) -> Auth:
    named = f"The credentials file {file!r}"
    found = _unique(_pairs(_text(file, named), named), named)
    if set(found) not in ({"user", "password"}, {"token"}):
        known = [key for key in ("user", "password", "token") if key in found]
        others = " and other keys" if len(known) < len(found) else ""
        raise UsageError(f"{named} holds {' and '.join(known) or 'no credentials'}{others}", advice=_FORM)
    for key, value in found.items():
        if not isinstance(value, str):
            raise UsageError(f"{named}: its {key} is no text", advice="Put it in quotes.")
    return _made(named, **found)  # type: ignore[arg-type]  # just seen to be texts under Auth's own names


def _text(file: str, named: str) -> str:
    try:
        with open(file, "rb") as handle:  # noqa: PTH123 - a path with a NUL is a ValueError here, too
            data = handle.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise UsageError(f"{named} does not exist") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or "its path is no path"
        raise UsageError(f"{named} cannot be read: {why}") from None
    if len(data) > MAX_FILE:
        raise UsageError(f"{named} is longer than {MAX_FILE // 1024} kB", advice=_FORM)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{named} is no UTF-8 text", advice=_FORM) from None


def _pairs(text: str, named: str) -> _Pairs:
    """Keys and values as they stand there. No parser's own words get out: they quote the file."""
    import yaml  # noqa: PLC0415 - only where a file is given

    def kept(pairs: _Pairs) -> _Pairs:
        return pairs

    try:
        try:
            found = json.loads(text, object_pairs_hook=kept)
        except ValueError:
            # Composed, not constructed: aliases and merge keys cannot grow, and no tag makes an object.
            found = _scalars(yaml.compose(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        raise UsageError(f"{named} is neither YAML nor JSON that can be read", advice=_FORM) from None
    if not isinstance(found, list) or not all(isinstance(one, tuple) for one in found):
        raise UsageError(f"{named} holds no mapping", advice=_FORM)
    return found


def _scalars(node: object) -> _Pairs | None:
    """The pairs of a mapping's node, a value that is no text as None; None where it is no mapping."""
    import yaml  # noqa: PLC0415 - only where a file is given

    if not isinstance(node, yaml.MappingNode):
        return None

    def text(one: yaml.Node) -> str | None:
        is_text = isinstance(one, yaml.ScalarNode) and one.tag == "tag:yaml.org,2002:str"
        return str(one.value) if is_text else None

    return [(text(key), text(value)) for key, value in node.value]


def _unique(pairs: _Pairs, named: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise UsageError(f"{named} says the same thing twice", advice=_FORM)
        found[str(key)] = value
    return found
