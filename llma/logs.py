"""Logging: text for people, JSON for machines. Ids of team, hour, run, step and trace; never what a user wrote."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from llma.settings import Settings

_FIELDS = ("team", "hour", "run", "step", "trace")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the ids that the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        } | {name: value for name in _FIELDS if (value := getattr(record, name, None)) not in (None, "")}
        return json.dumps(line, ensure_ascii=False)


def configure(settings: Settings) -> None:
    """Send llma's log to standard error as the settings ask; a second call replaces the first."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter() if settings.log_format == "json" else logging.Formatter("%(levelname)s %(name)s: %(message)s")
    )
    handler.setLevel(settings.log_level)
    logger = logging.getLogger("llma")
    logger.handlers = [handler]
    # Below the handler's level records still reach those who watch the logger, such as the progress bar.
    logger.setLevel(min(logging.INFO, handler.level))
    logger.propagate = False


def kind_and_place(error: BaseException) -> str:
    """What is told of an error. Its message may quote what a user wrote, so it is not."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} at {place}"
