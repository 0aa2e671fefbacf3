"""Why a call to a provider has no answer. No message holds a key, or a word of a request or an answer."""

from __future__ import annotations

from enum import StrEnum

from llma.reasons import Failed, Skipped


class Fault(StrEnum):
    """What went wrong with a call: the ``reason`` of its row in ``llm_calls``."""

    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    SERVER_ERROR = "server_error"
    BAD_RESPONSE = "bad_response"
    EMPTY = "empty"
    REFUSED_KEY = "refused_key"
    NO_QUOTA = "no_quota"
    BAD_REQUEST = "bad_request"
    TOO_LONG = "too_long"
    NO_SUCH_MODEL = "no_such_model"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    BUDGET = "budget"


class LLMError(RuntimeError):
    """The provider gave no usable answer. ``reason`` is for results and coverage, ``fault`` says what happened."""

    def __init__(self, message: str, fault: Fault, reason: Failed | Skipped = Failed.LLM_ERROR) -> None:
        super().__init__(message)
        self.fault = fault
        self.reason = reason


class BudgetExhausted(LLMError):  # noqa: N818 - nothing is wrong: the money is spent
    """The call might cost more than is left of the run's or the day's budget; it was not made."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Fault.BUDGET, Skipped.BUDGET)


# What is told of a fault; {provider}, {key} and {status} are filled in.
_SAID: dict[Fault, str] = {
    Fault.RATE_LIMITED: "{provider} limits the rate of calls ({status}): lower LLMA_LLM_CONCURRENCY",
    Fault.OVERLOADED: "{provider} is overloaded ({status})",
    Fault.TIMEOUT: "{provider} did not answer in time: see LLMA_LLM_TIMEOUT_SECONDS",
    Fault.CONNECTION: "the connection to {provider} failed: see LLMA_LLM_BASE_URL",
    Fault.SERVER_ERROR: "{provider} failed ({status})",
    Fault.BAD_RESPONSE: "{provider} sent no completion that can be read",
    Fault.EMPTY: "{provider} sent an empty answer",
    Fault.REFUSED_KEY: "{provider} does not accept the key, or not for this model ({status}): check {key}",
    Fault.NO_QUOTA: "the account at {provider} has no credit left ({status})",
    Fault.BAD_REQUEST: "{provider} does not accept the request ({status})",
    Fault.TOO_LONG: "the text is longer than the model of {provider} takes ({status})",
    Fault.NO_SUCH_MODEL: "{provider} does not know the model or the address ({status}): check LLMA_LLM_BASE_URL",
    Fault.DEADLINE: "the run's time for calls is used up: see LLMA_LLM_RUN_MINUTES",
}
_REASONS: dict[Fault, Failed | Skipped] = {
    Fault.BAD_RESPONSE: Failed.INVALID_OUTPUT,
    Fault.EMPTY: Failed.INVALID_OUTPUT,
    Fault.TOO_LONG: Skipped.TOO_LARGE,
}


def error_of(fault: Fault, provider: str, key_variable: str | None, status: int | None) -> LLMError:
    """The error for a fault, with its remedy."""
    key = "LLMA_LLM_API_KEY" + (f" or {key_variable}" if key_variable else "")
    message = _SAID[fault].format(provider=provider, key=key, status=status or "no status")
    return LLMError(message, fault, _REASONS.get(fault, Failed.LLM_ERROR))
