"""What an environment has besides its DAGs: pools, connections and variables, secrets included."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from validator.sandbox.files import DEFAULT_POOL

DEFAULT_SLOTS = 128
"""The slots of the default pool."""
MASK = "***"
"""What Airflow shows in place of a secret."""
_SECRET = (
    *("access_token", "api_key", "apikey", "authorization", "passphrase", "passwd", "password"),
    *("private_key", "secret", "token", "keyfile_dict", "service_account"),
)


@dataclass(frozen=True)
class SimConnection:
    """One connection, its secrets in clear."""

    conn_type: str
    host: str | None = None
    login: str | None = None
    password: str | None = None
    schema: str | None = None
    port: int | None = None
    extra: str | None = None
    """A JSON object as a text, mostly; the values of secret-like keys are masked when shown."""
    description: str | None = None


@dataclass
class Stock:
    """An environment's pools, connections and variables, in the order in which they were made.

    May be changed at any time; `World` has events for it.
    """

    pools: dict[str, int] = field(default_factory=dict)
    """Slots by name; the default pool is always there, and need not be named."""
    connections: dict[str, SimConnection] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    """Values by key, in clear."""
    descriptions: dict[str, str | None] = field(default_factory=dict)
    """Of variables, by key, where one was given."""

    def set_variable(self, key: str, value: str | None) -> None:
        """Make or change a variable; None: delete it, with its description."""
        if value is None:
            self.variables.pop(key, None)
            self.descriptions.pop(key, None)
        else:
            self.variables[key] = value

    @property
    def all_pools(self) -> dict[str, int]:
        """Slots by name, the default pool first."""
        return {DEFAULT_POOL: DEFAULT_SLOTS, **self.pools}

    @property
    def pool_names(self) -> frozenset[str]:
        """The names of all pools."""
        return frozenset((DEFAULT_POOL, *self.pools))


def secret_like(key: str) -> bool:
    """Whether Airflow takes a key's value for a secret, by its default list of words."""
    return any(word in key.lower() for word in _SECRET)


def masked(text: str) -> str:
    """A text that holds a JSON object, with the values of its secret-like keys masked; any other as it is."""
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return json.dumps(_masked(document)) if isinstance(document, dict) else text


def _masked(value: object) -> object:
    if isinstance(value, dict):
        return {key: MASK if secret_like(key) else _masked(one) for key, one in value.items()}
    return [_masked(one) for one in value] if isinstance(value, list) else value
