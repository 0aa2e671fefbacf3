"""One call's account: what it may cost before an attempt, what it has cost after it; and its row of the ledger. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from llma.llm.budget import Charge, charge_of
from llma.llm.ledger import FAILED, OK, RESERVED
from llma.llm.prices import Price
from llma.llm.request import Request
from llma.records import LLMCall


@dataclass(frozen=True, slots=True)
class Bill:
    """``most_input`` and ``request.max_output_tokens`` bound each attempt. ``spent`` is what earlier attempts have cost."""

    request: Request
    provider: str
    request_hash: str
    call_uuid: str
    started_at: datetime
    price: Price | None
    most_input: int
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    spent: Charge = field(default_factory=Charge)

    @property
    def most(self) -> Charge:
        """The greatest cost of one attempt."""
        return charge_of(self.price, self.most_input, self.request.max_output_tokens)

    def tried(self) -> Bill:
        """One attempt more."""
        return replace(self, attempts=self.attempts + 1)

    def paid(self, input_tokens: int | None, output_tokens: int | None, cached_tokens: int = 0) -> Bill:
        """The attempt was paid for; with the most it can have cost where the endpoint does not say."""
        given = self.most_input if input_tokens is None else input_tokens
        got = self.request.max_output_tokens if output_tokens is None else output_tokens
        return replace(
            self,
            input_tokens=self.input_tokens + given,
            output_tokens=self.output_tokens + got,
            spent=self.spent + charge_of(self.price, given, got, cached_tokens),
        )

    def reserved(self) -> LLMCall:
        """The row before an attempt: what is spent, and the most that this attempt may add."""
        row = self._row(RESERVED, None, 0.0, self.spent + self.most)
        most_output = self.output_tokens + self.request.max_output_tokens
        return replace(row, input_tokens=self.input_tokens + self.most_input, output_tokens=most_output)

    def settled(self, fault: str | None, seconds: float) -> LLMCall:
        """The row at the end."""
        return self._row(OK if fault is None else FAILED, fault, seconds, self.spent)

    def _row(self, status: str, reason: str | None, seconds: float, charge: Charge) -> LLMCall:
        request = self.request
        return LLMCall(
            team_id=request.team_id,
            call_uuid=self.call_uuid,
            purpose=request.purpose,
            item=request.item,
            run_id=request.run_id,
            provider=self.provider,
            model=request.model,
            request_hash=self.request_hash,
            started_at=self.started_at,
            status=status,
            reason=reason,
            attempts=self.attempts,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            tokens=charge.tokens,
            cost_usd=charge.usd,
            seconds=seconds,
        )
