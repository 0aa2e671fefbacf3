"""A call, from its reservation to its settlement: at most two attempts, each reserved before it is made.

Twice as many calls as may be under way have their reservation already, or are being settled: a commit takes 30 ms, and twice
that of each call's time would be lost (measured: ``bench/llm.py``). Who waits for money that
others have reserved waits for calls that can end: they need places, and those are held by calls that need nothing more.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from llma.llm.answering import answer_of, row_to_keep
from llma.llm.bill import Bill
from llma.llm.budget import Charge, most_input_tokens
from llma.llm.dialect import Dialect, Message, body_of, milder
from llma.llm.endpoint import Endpoint
from llma.llm.errors import BudgetExhausted, Fault, LLMError, error_of
from llma.llm.ledger import Ledger
from llma.llm.limiter import Clock, Limiter, Sleep
from llma.llm.prices import Price
from llma.llm.request import Answer, Request
from llma.llm.transport import Miss, Reply, Transport
from llma.llm.waiting import backoff

ATTEMPTS = 2
# Of the calls that may be under way, how many more have their reservation, or are being settled.
_SHARE_AHEAD = 1.0
_LEAST_AHEAD = 2
# These would answer every other call of the run the same.
_HOPELESS = (401, 402)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as it leaves the machine: its messages redacted, its hash, the first guess at its parameters, its price."""

    request: Request
    messages: list[Message] = field(repr=False)
    request_hash: str
    dialect: Dialect
    price: Price | None


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds for one attempt; the moment at which the run's time is used up; and how time is told."""

    timeout_seconds: float
    until: float
    clock: Clock
    sleep: Sleep
    now: Callable[[], datetime]

    def over(self) -> bool:
        return self.clock() >= self.until


class Calls:
    """Makes calls to one endpoint, within limits that they share. Belongs to one event loop."""

    def __init__(
        self,
        endpoint: Endpoint,
        ledger: Ledger,
        limiter: Limiter,
        times: Times,
        transport: Callable[[Endpoint, Callable[[], datetime]], Transport] = Transport,
    ) -> None:
        self._endpoint = endpoint
        self._ledger = ledger
        self._limiter = limiter
        self._times = times
        self.places = limiter.bound + max(_LEAST_AHEAD, int(limiter.bound * _SHARE_AHEAD))
        self._ahead = asyncio.Semaphore(self.places)
        self._make_transport = transport
        self._transport: Transport | None = None
        self._dialects: dict[str, Dialect] = {}
        self._hopeless: Miss | None = None
        # how many calls hold a reservation, how many have been settled, and the next settlement
        self._open = 0
        self._settlements = 0
        self._settled = asyncio.Event()

    async def make(self, prepared: Prepared) -> Answer:
        """The answer, settled and kept. Raises LLMError, StoreError."""
        async with self._ahead:
            self._check(None)
            request = prepared.request
            bill = Bill(
                request,
                self._endpoint.preset.name,
                prepared.request_hash,
                str(uuid4()),
                self._times.now(),
                prepared.price,
                most_input_tokens(request, prepared.messages),
            )
            await self._reserve_first(bill)
            try:
                return await self._attempts(prepared, bill)
            finally:
                self._open -= 1
                self._settlements += 1
                self._settled.set()
                self._settled = asyncio.Event()

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.close()

    async def _reserve_first(self, bill: Bill) -> None:
        """Waits for calls under way, which mostly cost less than they have reserved, before it gives up."""
        try:
            while True:
                seen, settled = self._settlements, self._settled
                refusal = await self._ledger.reserve(bill.reserved(), bill.most)
                if refusal is None:
                    self._open += 1
                    return
                if self._settlements == seen:
                    if not self._open:
                        raise BudgetExhausted(refusal)
                    await settled.wait()
        except asyncio.CancelledError:
            self._ledger.settle_later(bill.settled(Fault.CANCELLED, 0.0))
            raise

    async def _attempts(self, prepared: Prepared, bill: Bill) -> Answer:
        clock, began = self._times.clock, self._times.clock()
        under_way = False
        outcome: Reply | Miss | None = None
        try:
            while True:
                async with self._limiter.slot():
                    rested = await self._limiter.rest(self._times.until)
                    self._check(outcome, late=not rested)
                    bill = bill.tried()
                    under_way = True
                    outcome = await self._send(prepared)
                    under_way = False
                if isinstance(outcome, Reply):
                    bill = bill.paid(outcome.input_tokens, outcome.output_tokens, outcome.cached_tokens)
                    if outcome.text.strip() or outcome.finish != "stop":
                        answer = answer_of(outcome, bill)
                        break
                    outcome = Miss(Fault.EMPTY, again=True)
                elif outcome.billed:
                    bill = bill.paid(None, None)
                if not outcome.again or bill.attempts == ATTEMPTS:
                    raise self._error(outcome)
                await self._reserve_again(bill)
                await self._times.sleep(backoff(bill.attempts, random.random()))  # noqa: S311 - spreads retries
        except BaseException as error:
            if under_way:  # cancelled, and perhaps paid for nevertheless
                bill = bill.paid(None, None)
            fault = error.fault if isinstance(error, LLMError) else Fault.CANCELLED
            failed = bill.settled(fault, clock() - began)
            if isinstance(error, LLMError):
                await self._ledger.settle(failed)
            else:
                self._ledger.settle_later(failed)
            raise
        keep = row_to_keep(answer, bill, self._times.now().date())
        await self._ledger.settle(bill.settled(None, clock() - began), keep)
        return answer

    def _check(self, before: Miss | None, *, late: bool = False) -> None:
        """Raises LLMError where no attempt is to be made: of the one ``before``, else of the run's time."""
        if self._hopeless is not None:
            raise self._error(self._hopeless)
        if late or self._times.over():
            raise self._error(before or Miss(Fault.DEADLINE))

    async def _reserve_again(self, bill: Bill) -> None:
        """For the second attempt, where the first may have been paid. Waits for nobody: others may wait for this call."""
        if bill.spent != Charge():
            refusal = await self._ledger.reserve(bill.reserved(), bill.most)
            if refusal is not None:
                raise BudgetExhausted(refusal)

    async def _send(self, prepared: Prepared) -> Reply | Miss:
        """One attempt. What the endpoint does not take of the parameters is left out from now on, and is no attempt."""
        if self._transport is None:
            self._transport = self._make_transport(self._endpoint, self._times.now)
        model = prepared.request.model
        while True:
            dialect = self._dialects.get(model, prepared.dialect)
            seconds = min(self._times.timeout_seconds, self._times.until - self._times.clock())
            began = self._limiter.begin()
            outcome = await self._transport.send(body_of(prepared.request, prepared.messages, dialect), seconds)
            if isinstance(outcome, Reply):
                self._limiter.succeeded()
                return outcome
            if outcome.refused is not None:
                if self._dialects.get(model, prepared.dialect) != dialect:
                    continue  # another call has learnt it meanwhile
                if (next_one := milder(dialect, outcome.refused)) is not None:
                    self._dialects[model] = next_one
                    continue
            if outcome.wait is not None:
                self._limiter.pause(outcome.wait)
            if outcome.overload:
                self._limiter.overloaded(began)
            if outcome.status in _HOPELESS or outcome.fault is Fault.NO_QUOTA:
                self._hopeless = outcome
            return outcome

    def _error(self, miss: Miss) -> LLMError:
        return error_of(miss.fault, self._endpoint.preset.name, self._endpoint.preset.key_variable, miss.status)
