"""Rows on their way into a DuckDB table: as a temporary table, typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from llma.store.duckdb.queries import Queries
from llma.store.duckdb.schema import TYPES
from llma.store.tables import Column


class Staging(Queries):
    @contextmanager
    def staged(self, columns: Sequence[Column], arrays: Mapping[str, np.ndarray]) -> Iterator[None]:
        """The rows as temporary table ``staged``, typed, with their ``position``. Gone after the block: it holds user text."""
        self.connection.register("incoming", arrays)
        self.execute(f"CREATE OR REPLACE TEMP TABLE staged AS SELECT {cast(columns)}, position FROM incoming")
        self.connection.unregister("incoming")
        yield  # no `finally`: what raises here rolls the transaction back, and the table with it
        self.execute("DROP TABLE staged")


def cast(columns: Sequence[Column]) -> str:
    """The columns of ``incoming`` with the types that the tables have."""
    return ", ".join(f"{c.name}::{TYPES[c.kind]} AS {c.name}" for c in columns)
