"""A reply of the provider as an Answer, and as the row that is kept. Pure."""

from __future__ import annotations

from datetime import date

from llma.llm.bill import Bill
from llma.llm.object_in import object_in
from llma.llm.request import Answer
from llma.llm.transport import Reply
from llma.records import LLMAnswer


def answer_of(reply: Reply, bill: Bill) -> Answer:
    """Where a schema was asked for, the text is the object alone, if there is one: prompts do not keep all models from prose."""
    text = reply.text
    if bill.request.schema and reply.finish == "stop":
        text = object_in(text) or text
    return Answer(
        text=text,
        model=reply.model or bill.request.model,
        input_tokens=bill.input_tokens,
        output_tokens=bill.output_tokens,
        cost_usd=bill.spent.usd,
        finish=reply.finish,
        attempts=bill.attempts,
    )


def row_to_keep(answer: Answer, bill: Bill, today: date) -> LLMAnswer | None:
    """None for what another try may better: what was cut off or refused, or is no object where one was asked for."""
    if answer.finish != "stop" or (bill.request.schema and object_in(answer.text) is None):
        return None
    return LLMAnswer(
        team_id=bill.request.team_id,
        request_hash=bill.request_hash,
        model=answer.model,
        answer=answer.text,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        last_used_day=today,
    )


def kept_answer(row: LLMAnswer) -> Answer:
    """What an earlier call was told. It costs nothing now; the tokens are that call's."""
    return Answer(
        text=row.answer,
        model=row.model,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost_usd=0.0,
        cached=True,
    )
