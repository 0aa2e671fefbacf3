"""The closed lists of statuses and reasons: every blank in a result carries one of these."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    OK = "ok"
    SKIPPED = "skipped"
    FAILED = "failed"
    REJECTED = "rejected"


class Skipped(StrEnum):
    """There is nothing to score, and that is no fault."""

    NO_AI_INPUT = "no_ai_input"
    NO_USER_MESSAGES = "no_user_messages"
    EMPTY_AFTER_CLEANING = "empty_after_cleaning"
    UNSUPPORTED_LANGUAGE = "unsupported_language"
    SAMPLED_OUT = "sampled_out"
    TOO_LARGE = "too_large"
    NOT_SETTLED = "not_settled"
    OWN_TRAFFIC = "own_traffic"
    BUDGET = "budget"
    NOT_A_GENERATION = "not_a_generation"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    TEAM_NOT_ALLOWED = "team_not_allowed"


class Failed(StrEnum):
    """There was something to score, and it could not be done."""

    PARSE_ERROR = "parse_error"
    INFERENCE_TIMEOUT = "inference_timeout"
    MODEL_ERROR = "model_error"
    LLM_ERROR = "llm_error"
    INVALID_OUTPUT = "invalid_output"
    TRACE_NOT_FOUND = "trace_not_found"
    GAVE_UP = "gave_up"


class Rejection(StrEnum):
    """An input line that is not an event."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    BAD_UUID = "bad_uuid"
    BAD_TIMESTAMP = "bad_timestamp"
    BAD_TEAM = "bad_team"
    BAD_PROPERTIES = "bad_properties"
    LINE_TOO_LONG = "line_too_long"
    TRUNCATED_FILE = "truncated_file"
