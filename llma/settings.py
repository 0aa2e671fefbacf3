"""Every ``LLMA_*`` setting, typed. Read when asked for, never at import.

``.env.example`` lists the same names with the same defaults; a test keeps the two equal.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

EVERY_TEAM = "*"


class SettingsError(ValueError):
    """A setting cannot be used; the message names the variable and the remedy, never the value of a secret."""


def checkout() -> Path:
    """The folder of the checkout that this package runs from; where it is installed elsewhere, the working directory."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "workspace.yaml").exists() else Path.cwd()


class Settings(BaseSettings):
    """What the environment (and the ``.env`` file of the checkout, which it overrides) says."""

    model_config = SettingsConfigDict(env_prefix="LLMA_", extra="ignore", hide_input_in_errors=True, frozen=True)

    home: Path = Field(
        default_factory=lambda: checkout() / ".llma",
        description="Folder of everything the embedded default writes (mode 0700)",
    )
    store: str = Field("", description="The store; empty: the DuckDB file llma.duckdb in LLMA_HOME")
    hash_key: SecretStr | None = Field(
        None, description="Key of the text hashes, shared by all machines of one store; empty: a file in LLMA_HOME"
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("WARNING", description="Least level that is logged")
    log_format: Literal["text", "json"] = Field("text", description="text or json (one object a line)")

    partitions_start: datetime = Field(
        datetime(2026, 1, 1, tzinfo=UTC), description="First hour (UTC) that is processed"
    )
    allowed_team_ids: Annotated[frozenset[int] | Literal["*"], NoDecode] = Field(
        EVERY_TEAM, description="Teams that are processed: * for all, or ids separated by commas; empty: none"
    )

    max_line_mb: float = Field(32, gt=0, description="Longest input line in MiB; longer ones are rejected")
    max_user_messages: int = Field(50, ge=1, description="User messages of a generation that count: the last so many")
    max_message_chars: int = Field(2000, ge=1, description="Characters of a message that are scored: the last so many")

    sentiment_bundle: str = Field("minilm-chat", description="Bundle of the sentiment head: a name or a folder")
    emotion_bundle: str = Field("minilm-chat", description="Bundle of the emotion head; empty: no emotions")
    inference_threads: int = Field(0, ge=0, description="Threads that score; 0: one per core")
    model_cache: Path = Field(
        Path("~/.cache/llma/models"),
        description="Folder of the bundles that were pulled",
        # The last two are the names that two other sentiment pipelines use for the same folder.
        validation_alias=AliasChoices("LLMA_MODEL_CACHE", "POSTHOG_SENTIMENT_MODEL_CACHE", "ONNX_CACHE_DIR"),
    )
    offline: bool = Field(False, description="1: a bundle that is not here is an error at once, never fetched")

    render_max_chars: int = Field(
        2_000_000,
        ge=0,
        description="Longest text of a trace in characters: of a longer one a sample of lines; 0: no bound",
    )
    render_repeat_history: bool = Field(
        False, description="1: each generation of a rendered trace shows its whole input, also what was shown before"
    )

    duckdb_memory_mb: int = Field(512, ge=64, description="Memory that DuckDB may use, in MiB")
    lock_timeout_seconds: float = Field(120, gt=0, description="Longest wait for the DuckDB file")

    sensor_max_hours: int = Field(24, ge=1, description="Hours that one sensor tick requests at most")
    sensor_lookback_hours: int = Field(48, ge=1, description="The sensor looks at hours with arrivals this recent")

    @field_validator("allowed_team_ids", mode="before")
    @classmethod
    def _teams(cls, value: object) -> object:
        if not isinstance(value, str) or value.strip() == EVERY_TEAM:
            return EVERY_TEAM if isinstance(value, str) else value
        return frozenset(int(part) for part in value.split(",") if part.strip())

    @field_validator("hash_key", mode="before")
    @classmethod
    def _no_empty_key(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("partitions_start")
    @classmethod
    def _whole_hour_utc(cls, value: datetime) -> datetime:
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if value.minute or value.second or value.microsecond:
            raise ValueError("must be a whole hour, such as 2026-01-01T00:00Z")
        return value

    @field_validator("home", "model_cache")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    def allows(self, team_id: int) -> bool:
        """Whether scheduled work may process this team."""
        return self.allowed_team_ids == EVERY_TEAM or team_id in self.allowed_team_ids

    @property
    def dagster_home(self) -> Path:
        """Where the Dagster instance lives: ``DAGSTER_HOME`` when set, else a folder in ``LLMA_HOME``."""
        return Path(os.environ.get("DAGSTER_HOME") or self.home / "dagster")


def settings() -> Settings:
    """The settings as the environment has them now. Raises SettingsError naming each variable that is wrong."""
    try:
        return Settings(_env_file=checkout() / ".env")  # pyright: ignore[reportCallIssue] - pydantic-settings' own argument
    except ValidationError as error:
        wrong = "; ".join(f"{_variable(str(e['loc'][0]))}: {e['msg']}" for e in error.errors(include_input=False))
        raise SettingsError(f"unusable settings: {wrong}. See .env.example for what each one takes.") from None


def _variable(place: str) -> str:
    """The variable's name: of a field with names of its own pydantic gives the name, of another the field."""
    return place if place.isupper() else f"LLMA_{place.upper()}"
