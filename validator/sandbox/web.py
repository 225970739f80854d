"""A simulated web server's own memory: its copies of serialized DAGs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from validator.sandbox.metadata import Serialized
    from validator.sandbox.world import Job, World


class WebCopies:
    """Serialized DAGs as the web server knows them: as old as `min_serialized_dag_fetch_interval` at most.

    Up to Airflow 3.0 a copy is shown for that long without a look at the database; after that every use looks,
    and only a newer one is fetched and restarts the interval. 3.3.2 reads the database at each call, as its
    `details.last_parsed` shows, which is always now. A restart of the web server forgets all copies.

    Args:
        world: whose serialized DAGs; up to date when `get` is called.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._copies: dict[str, tuple[Serialized, float]] = {}
        self._job: Job | None = None

    def get(self, dag_id: str) -> Serialized | None:
        """A DAG's serialized form, perhaps an old one; None: there is none."""
        metadata, rules, now = self._world.metadata, self._world.rules, self._world.elapsed
        job = self._world.jobs["webserver"]
        if job is not self._job:
            self._copies.clear()
            self._job = job
        current = metadata.serialized.get(dag_id)
        if rules.airflow == "3.3.2":
            return current
        copy, fetched = self._copies.get(dag_id, (None, 0.0))
        if copy is not None and now <= fetched + rules.min_serialized_dag_fetch_interval:
            return copy
        if current is None:
            row = metadata.dags.get(dag_id)
            if copy is not None and rules.airflow == "2.4.3" and row and row.path not in metadata.sources:
                return copy  # measured: a deleted file's DAG is still shown minutes later
            self._copies.pop(dag_id, None)
        elif current is not copy:
            self._copies[dag_id] = (current, now)
        return current
