"""The endpoints of variables, which both dialects share but for words, keys and what an update takes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from validator.sandbox.api import KEEPERS, Dialect, Refused, Route, ilike
from validator.sandbox.bodies import Field
from validator.sandbox.stock import MASK, masked, secret_like

if TYPE_CHECKING:
    from validator.sandbox.api import Query, Result

VARIABLES = (
    Route("GET", "/variables", "variables", roles=KEEPERS),
    Route("POST", "/variables", "create_variable", roles=KEEPERS),
    Route("GET", "/variables/(.+)", "variable", roles=KEEPERS),
    Route("PATCH", "/variables/(.+)", "update_variable", roles=KEEPERS),
    Route("DELETE", "/variables/(.+)", "delete_variable", roles=KEEPERS),
)
"""Their routes. A variable's key may hold slashes."""
_ORDERS = ("id", "key", "value")


class VariablesDialect(Dialect):
    """A dialect with these endpoints."""

    @abstractmethod
    def masks(self, query: Query) -> tuple[str, ...]:
        """The fields that `update_mask` names; none: it was not given.

        Raises:
            Refused: this version does not take one of them.
        """

    def variables(self, query: Query) -> Result:
        """GET /variables: on Airflow 2 with every value in clear."""
        rows = [self._variable(key) for key in self.world.stock.variables]
        if "variable_key_pattern" in query:
            pattern = ilike(query["variable_key_pattern"][-1])
            rows = [row for row in rows if pattern.search(str(row["key"]))]
        self.allow(query, "limit", "offset", "order_by")
        return self.listing(query, "variables", rows, _ORDERS)

    def variable(self, query: Query, key: str) -> Result:
        """GET /variables/{key}: on Airflow 2 with its value in clear."""
        self.allow(query)
        return 200, self._variable(self._known(key))

    def create_variable(self, query: Query) -> Result:
        """POST /variables: Airflow 2 overwrites one that is there, and shows what was sent."""
        self.allow(query)
        sent = self._sent()
        key, stock = str(sent["key"]), self.world.stock
        if self._is_2:
            self._write(key, sent, "value", *(() if self.version == "2.4.3" else ("description",)))
            return 200, sent
        if key in stock.variables:
            return 409, {"detail": f"The Variable with key: `{key}` already exists"}
        self._write(key, sent, "value", "description")
        return 201, self._variable(key)

    def update_variable(self, query: Query, key: str) -> Result:
        """PATCH /variables/{key}: 2.4.3 sets the value, whatever was there before, and keeps no description."""
        self.allow(query, "update_mask")
        sent = self._sent()
        if sent["key"] != key:
            said = "key from request body doesn't match uri parameter"
            return self.bad_request(said if self._is_2 else f"Invalid body, {said}")
        if self.version == "2.4.3":
            self.masks(query)
            self.world.stock.descriptions.pop(key, None)
            self._write(key, sent, "value")
            return 200, sent
        self._known(key)
        named = self.masks(query)
        self._write(key, sent, *(named if "update_mask" in query else ("value", "description")))
        return 200, self._variable(key)

    def delete_variable(self, query: Query, key: str) -> Result:
        """DELETE /variables/{key}."""
        self.allow(query)
        if key not in self.world.stock.variables:
            return self.missing("Variable to delete", key)
        self.world.stock.set_variable(key, None)
        return 204, None

    @property
    def _is_2(self) -> bool:
        return self.world.rules.major < 3  # noqa: PLR2004 - Airflow 3

    def _sent(self) -> dict[str, object]:
        value = Field("value", "text" if self._is_2 else "any", required=True)
        return self.form(Field("key", required=True), value, Field("description", nullable=True))

    def _known(self, key: str) -> str:
        if key not in self.world.stock.variables:
            raise Refused(*self.missing("Variable", key))
        return key

    def _write(self, key: str, sent: dict[str, object], *names: str) -> None:
        stock = self.world.stock
        if "value" in names:
            stock.variables[key] = str(
                sent["value"]
            )  # Airflow 3 takes any JSON, and keeps Python's text of it
        if "description" in names and "description" in sent:
            stock.descriptions[key] = sent["description"] if isinstance(sent["description"], str) else None

    def _variable(self, key: str) -> dict[str, object]:
        value = self.world.stock.variables[key]
        row: dict[str, object] = {
            "key": key,
            "value": value,
            "description": self.world.stock.descriptions.get(key),
        }
        if not self._is_2:
            shown = MASK if secret_like(key) else masked(value)
            row = {**row, "value": shown, "is_encrypted": True}
        return {**row, "team_name": None} if self.version == "3.3.2" else row
