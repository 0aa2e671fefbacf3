"""The resource ``store``: the store that the settings name, under the name Dagster users know.

On the DuckDB side it is a ``DuckDBResource`` for configuration and for ``get_connection``, but lock and transaction are ours:
the stock resource keeps no lock between processes and leaves the file open after a failed asset.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from dagster import InitResourceContext
from dagster_duckdb import DuckDBResource
from pydantic import Field

from llma.settings import settings
from llma.store.base import Store, StoreError
from llma.store.duckdb import DuckDBStore
from llma.store.opening import open_store
from resources.presence import present


class StoreResource(DuckDBResource):
    """Where events and results live. ``database`` empty: what LLMA_STORE and LLMA_HOME say."""

    database: str = Field(default="", description="Path of the DuckDB file; empty: as LLMA_STORE and LLMA_HOME say")

    def store(self, **about: str) -> Store:
        """The store; cheap, and nothing is held open. ``about`` says who asks (run, asset): a server's log has it."""
        current = settings()
        return open_store(current.model_copy(update={"store": self.database}) if self.database else current, about)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[StoreResource]:
        """The resource of a run: for as long as it has it, others can see that the run's process lives."""
        if context.run is None:  # a sensor's or a schedule's
            yield self
            return
        with present(context.run.run_id):
            yield self

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for assets of your own: one transaction under the writer's lock. Keep the block short.

        Raises StoreError where the store is not DuckDB.
        """
        store = self.store()
        if not isinstance(store, DuckDBStore):
            raise StoreError(
                "get_connection gives DuckDB connections, and LLMA_STORE names another engine: use store()"
            )
        with store.connection(write=True) as connection:
            yield connection
