"""One line about an event: what kind, its name, and in brackets latency, cost, model, tokens and error."""

from __future__ import annotations

from typing import Any

from llma import events
from llma.traces.gather import is_error, number
from llma.traces.values import one_line

_TAGS = {
    events.GENERATION: "GEN",
    events.SPAN: "SPAN",
    events.EMBEDDING: "EMBED",
    events.EVALUATION: "EVAL",
    events.TRACE: "TRACE",
    events.FEEDBACK: "FEEDBACK",
    events.METRIC: "METRIC",
}
_FALLBACKS = {
    events.GENERATION: "generation",
    events.SPAN: "span",
    events.EMBEDDING: "embedding",
    events.EVALUATION: "evaluation",
    events.TRACE: "trace",
    events.FEEDBACK: "feedback",
    events.METRIC: "metric",
}
_NAMES = ("$ai_span_name", "$ai_evaluation_name", "$ai_metric_name", "$ai_trace_name")
_LONGEST_NAME = 200


def is_known(event: str) -> bool:
    """Whether an event's name is one of LLM analytics, and not of the application's own."""
    return event in _TAGS


def tag(event: str) -> str:
    """``GEN``, ``SPAN`` …; ``EVENT`` for a name of the application's own."""
    return _TAGS.get(event, "EVENT")


def counted(number: int, event: str) -> str:
    """``3 generations``, ``1 span``; an application's own events are counted as events."""
    kind = _FALLBACKS.get(event, "other event")
    return f"{number} {kind}{'' if number == 1 or event == events.FEEDBACK else 's'}"


def name(event: str, properties: dict[str, Any]) -> str:
    """The name that the application gave, else the model's, else what kind of event it is."""
    for key in (*_NAMES, "$ai_model"):
        value = properties.get(key)
        if isinstance(value, (str, int, float)) and str(value).strip():
            return one_line(str(value), _LONGEST_NAME)
    return _FALLBACKS.get(event, one_line(event, _LONGEST_NAME))


def title(event: str, properties: dict[str, Any]) -> str:
    """``triage (0.45s, $0.0023, gpt-4, 800 + 30 tokens, ERROR)``: each part only where it was recorded."""
    called = name(event, properties)
    parts = [
        seconds(properties.get("$ai_latency")),
        prefixed("TTFT: ", seconds(properties.get("$ai_time_to_first_token"))),
        dollars(properties.get("$ai_total_cost_usd")),
        *_judged(event, properties),
        _model(properties, called),
        _tokens(properties),
        _http(properties.get("$ai_http_status")),
        "ERROR" if is_error(properties) else "",
    ]
    known = ", ".join(part for part in parts if part)
    return f"{called} ({known})" if known else called


def seconds(value: Any) -> str:
    """``0.45s``; what is no number as it is."""
    found = number(value)
    if found is not None:
        return f"{found:.2f}s"
    return one_line(value, _LONGEST_NAME) if isinstance(value, str) else ""


def dollars(value: Any) -> str:
    """``$0.0023``; what is no number as it is."""
    found = number(value)
    if found is not None:
        return f"${found:.4f}"
    return one_line(value, _LONGEST_NAME) if isinstance(value, str) else ""


def prefixed(prefix: str, text: str) -> str:
    return f"{prefix}{text}" if text else ""


def verdict(properties: dict[str, Any]) -> str:
    """An evaluation's result: ``true``, ``false``, a number, ``N/A``, ``skipped``."""
    applicable = properties.get("$ai_evaluation_applicable")
    if applicable is False or applicable == "false":
        return "N/A"
    if properties.get("$ai_evaluation_skipped"):
        return "skipped"
    for key in ("$ai_evaluation_result", "$ai_evaluation_numeric_result", "$ai_evaluation_score"):
        value = properties.get(key)
        if value is not None:
            return one_line(value, _LONGEST_NAME)
    return "not recorded"


def judge(properties: dict[str, Any]) -> str:
    """Who evaluated: runtime and model."""
    parts = (properties.get("$ai_evaluation_runtime"), properties.get("$ai_evaluation_model"))
    return "/".join(one_line(part, _LONGEST_NAME) for part in parts if isinstance(part, str) and part)


def _judged(event: str, properties: dict[str, Any]) -> tuple[str, ...]:
    if event == events.EVALUATION:
        return judge(properties), verdict(properties)
    if event == events.METRIC:
        value = properties.get("$ai_metric_value")
        return ("not recorded" if value is None else one_line(value, _LONGEST_NAME),)
    return ()


def _model(properties: dict[str, Any], called: str) -> str:
    model = properties.get("$ai_model")
    return one_line(model, _LONGEST_NAME) if isinstance(model, str) and model and model != called else ""


def _tokens(properties: dict[str, Any]) -> str:
    given, answered = (number(properties.get(f"$ai_{side}_tokens")) for side in ("input", "output"))
    if given is None and answered is None:
        return ""
    return f"{'?' if given is None else f'{given:.0f}'} + {'?' if answered is None else f'{answered:.0f}'} tokens"


def _http(value: Any) -> str:
    status = number(value)
    return f"HTTP {status:.0f}" if status is not None and status >= 400 else ""
