"""Summaries written by a language model: ask, read, check; one repair; then the fallback model; then the reason."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llma.llm.client import LLMClient
from llma.llm.errors import BudgetExhausted, LLMError
from llma.llm.request import Answer, Request
from llma.reasons import Failed, Skipped
from llma.summaries import flowcharts, prompts
from llma.summaries.diagram import DiagramError, chain_of_words
from llma.summaries.schema import (
    BULLETS,
    FLOW_DIAGRAM,
    SCHEMA_NAME,
    SCHEMA_VERSION,
    InvalidSummaryError,
    json_schema,
    read,
    within,
)
from llma.summaries.summariser import SummaryFailed, Told, Written
from llma.summaries.verify import verified

# What stands for an answer without a word in the turn that asks again: providers refuse an empty message.
_NO_WORD = "(no answer)"
_CUT_OFF = "the answer was cut off at its longest: write shorter sentences, fewer of them, and a smaller diagram"


@dataclass(frozen=True, slots=True)
class _Draft:
    """An answer as far as it can be used: ``written`` unless that is nothing; ``faults`` are worth asking again for."""

    written: Written | None
    faults: tuple[str, ...] = ()


class LLMSummariser:
    """Asks ``model``, and where it gives no summary ``fallback_model`` (empty: none).

    A call is made again by the client alone, which counts its attempts; here an answer that is no summary is sent back once
    with a list of its faults. Every attempt is in the client's ledger under the trace's id.
    """

    max_chars = prompts.MAX_CHARS

    def __init__(self, client: LLMClient, model: str, fallback_model: str = "", run_id: str = "") -> None:
        self.model = model
        self.version = llm_version(model)
        self._client = client
        self._models = tuple(dict.fromkeys(name for name in (model, fallback_model) if name))
        self._run_id = run_id

    async def summarise(self, told: Told) -> Written:
        """The checked summary. Raises SummaryFailed: ``budget``, ``llm_error`` (no answer), ``invalid_output`` (no summary)."""
        reason: Failed | Skipped = Failed.LLM_ERROR
        for model in self._models:
            try:
                written = await self._written(self.request(told, model), told)
            except BudgetExhausted:
                raise SummaryFailed(Skipped.BUDGET) from None
            except LLMError as error:
                reason = error.reason
                continue
            if written is not None:
                return written
            reason = Failed.INVALID_OUTPUT
        raise SummaryFailed(reason)

    def request(self, told: Told, model: str = "") -> Request:
        """The question about a trace, as it is sent first (also for an estimate); ``model``: another than the first one."""
        prompt = prompts.prompt(told.text, told.mode)
        return Request(
            team_id=told.team_id,
            purpose="summary",
            item=told.trace_id,
            run_id=self._run_id,
            model=model or self.model,
            system=prompt.system,
            user=prompt.user,
            schema_name=SCHEMA_NAME,
            schema=json_schema(),
            max_output_tokens=prompts.MAX_OUTPUT_TOKENS,
        )

    async def _written(self, request: Request, told: Told) -> Written | None:
        answer = await self._client.ask(request)
        if answer.finish == "refusal":  # asked again with the same text, it would refuse again
            return None
        draft = _draft(answer, told)
        if not draft.faults:
            return draft.written
        turn = (answer.text if answer.text.strip() else _NO_WORD, prompts.repair(draft.faults))
        try:
            again = await self._client.ask(replace(request, previous=(turn,)))
        except LLMError:
            if draft.written is None:
                raise
            return draft.written
        return _draft(again, told).written or draft.written


def llm_version(model: str) -> str:
    """Changes whenever a summary by this model may: engine, prompt, schema, model."""
    return f"llm/prompt-{prompts.PROMPT_VERSION}/schema-{SCHEMA_VERSION}/{model}"


def _draft(answer: Answer, told: Told) -> _Draft:
    """What an answer is good for."""
    cut_off = (_CUT_OFF,) if answer.finish == "length" else ()
    try:
        given = within(read(answer.text), told.mode)
    except InvalidSummaryError as error:
        return _Draft(None, cut_off or error.faults)
    summary, references, valid = verified(given, told.text)
    if not summary.bullets:
        fault = "every bullet quotes words that are not in the trace" if given.bullets else "is empty"
        return _Draft(None, (f"{BULLETS}: {fault}",))
    faults: tuple[str, ...] = ()
    try:
        diagram = flowcharts.canonical(summary.flow_diagram)
    except DiagramError as error:
        faults, diagram = (f"{FLOW_DIAGRAM}: {error}",), chain_of_words([bullet.text for bullet in summary.bullets])
    summary = replace(summary, flow_diagram=diagram)
    return _Draft(Written(summary, references, valid, answer.model), faults)
