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
    clickhouse_password: SecretStr | None = Field(
        None, description="Password of the user in LLMA_STORE=clickhouse://user@host/database; empty: none"
    )
    events_table: str = Field(
        "", description="An events table on that ClickHouse server which llma reads and never writes; empty: none"
    )
    events_columns: str = Field(
        "", description="Its columns where they have other names, such as timestamp=created_at,team_id=1"
    )
    hash_key: SecretStr | None = Field(
        None, description="Key of the text hashes, shared by all machines of one store; empty: a file in LLMA_HOME"
    )

    retention_days: int = Field(
        0, ge=0, description="Days after which events, and all that was made of them, are forgotten; 0: never"
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

    settle_minutes: int = Field(30, ge=0, description="Minutes without activity after which a trace is summarised")
    summary_mode: Literal["detailed", "minimal"] = Field(
        "detailed", description="detailed or minimal, of scheduled runs"
    )
    summary_max_traces: int = Field(
        100, ge=1, description="Traces of a team and hour that are summarised, newest first"
    )
    summary_max_events: int = Field(50, ge=1, description="A trace with more events is not summarised")
    summary_max_chars: int = Field(
        2_000_000, ge=1, description="A trace whose events' properties have more characters is not summarised"
    )
    summary_batch_size: int = Field(5, ge=1, description="Traces that are summarised at the same time")
    summary_model: str = Field(
        "gpt-4.1-nano", description="Model that writes summaries, where a team's text may go to one"
    )
    summary_fallback_model: str = Field("", description="Model that is asked where the first one fails; empty: none")

    llm_team_ids: Annotated[frozenset[int] | Literal["*"], NoDecode] = Field(
        frozenset(),
        description="Teams whose text may leave the machine: ids separated by commas, * for all; empty: none",
    )
    llm_provider: Literal["openai", "groq", "anthropic", "nebius", "ollama", "vllm"] = Field(
        "openai",
        description="Preset of address and key: openai, groq, anthropic, nebius, ollama or vllm",
        validation_alias=AliasChoices("LLMA_LLM_PROVIDER", "LLM_PROVIDER"),
    )
    llm_base_url: str = Field("", description="Address of any OpenAI-compatible endpoint; empty: the provider's")
    llm_api_key: SecretStr | None = Field(
        None,
        description="Key of the endpoint; empty: OPENAI_, GROQ_, ANTHROPIC_ or NEBIUS_API_KEY, as the provider",
        validation_alias=AliasChoices("LLMA_LLM_API_KEY", "LLM_API_KEY"),
    )
    llm_concurrency: int = Field(16, ge=1, description="Calls to the endpoint at the same time, at most")
    llm_timeout_seconds: float = Field(120, gt=0, description="Longest wait for one answer")
    llm_run_minutes: float = Field(50, gt=0, description="Longest time that a run spends on calls")
    llm_budget_usd_run: float = Field(1.0, ge=0, description="Dollars that one run may spend on calls")
    llm_budget_usd_day: float = Field(5.0, ge=0, description="Dollars that all runs of a day (UTC) may spend on calls")
    llm_budget_tokens_run: int = Field(0, ge=0, description="Tokens that one run may use of models without a price")
    llm_budget_tokens_day: int = Field(0, ge=0, description="Tokens that a day (UTC) may use of models without a price")
    llm_prices: str = Field("", description="JSON file of prices that override the built-in ones; empty: none")
    llm_redact: bool = Field(
        True, description="0: e-mail addresses, phone numbers, keys and the like leave the machine as they are"
    )
    sentiment_engine: Literal["local", "fallback", "llm"] = Field(
        "local", description="local model; fallback: the LLM where it fails; llm: the LLM alone"
    )
    sentiment_llm_model: str = Field(
        "gpt-4.1-nano", description="Model that labels messages, where the engine asks one"
    )

    embedder: Literal["local", "openai"] = Field(
        "local", description="local bundle, or openai: the LLM endpoint's embeddings"
    )
    embedding_bundle: str = Field("minilm-embed", description="Bundle of the local embedder: a name or a folder")
    embedding_model: str = Field("text-embedding-3-large", description="Model of the endpoint's embeddings")

    duckdb_memory_mb: int = Field(512, ge=64, description="Memory that DuckDB may use, in MiB")
    lock_timeout_seconds: float = Field(120, gt=0, description="Longest wait for the DuckDB file")

    sensor_max_hours: int = Field(24, ge=1, description="Hours that one sensor tick requests at most")
    sensor_lookback_hours: int = Field(48, ge=1, description="The sensor looks at hours with arrivals this recent")

    @field_validator("allowed_team_ids", "llm_team_ids", mode="before")
    @classmethod
    def _teams(cls, value: object) -> object:
        if not isinstance(value, str) or value.strip() == EVERY_TEAM:
            return EVERY_TEAM if isinstance(value, str) else value
        return frozenset(int(part) for part in value.split(",") if part.strip())

    @field_validator("hash_key", "clickhouse_password", "llm_api_key", mode="before")
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

    def may_leave(self, team_id: int) -> bool:
        """Whether this team's text may be sent to a provider."""
        return self.llm_team_ids == EVERY_TEAM or team_id in self.llm_team_ids

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
