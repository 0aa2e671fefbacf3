"""What the property tests draw from."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# A busy machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Set to 1 by `make test-slow`: the costly properties are tried with many examples.
MANY_EXAMPLES = "LLMA_MANY_EXAMPLES"


def examples(few: int, *, many: int, on_fixtures: bool = False) -> Callable[[Any], Any]:
    """For a property whose examples cost much: so few of them in `make test`, so many in `make test-slow`.

    ``on_fixtures``: all examples share the fixtures of the test, which the property allows for.
    """
    chosen = many if os.environ.get(MANY_EXAMPLES) == "1" else few
    unchecked = [HealthCheck.too_slow, *([HealthCheck.function_scoped_fixture] if on_fixtures else [])]

    def decorated(test: Any) -> Any:
        return pytest.mark.many(settings(max_examples=chosen, deadline=None, suppress_health_check=unchecked)(test))

    return decorated


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
