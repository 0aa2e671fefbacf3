"""The client of language models, as others see it: ask, and know what it would cost.

A request is redacted, looked up among the kept answers, and only then paid for (``calls``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from llma.llm.answering import kept_answer
from llma.llm.budget import Budget, most_input_tokens, usual_input_tokens
from llma.llm.calls import Calls, Prepared, Times
from llma.llm.dialect import dialect_of, messages_of
from llma.llm.endpoint import Endpoint, endpoint_of
from llma.llm.errors import BudgetExhausted, Fault, LLMError
from llma.llm.fingerprint import fingerprint
from llma.llm.ledger import Ledger
from llma.llm.limiter import Clock, Limiter, Sleep, machine_bound
from llma.llm.prices import Price, PriceList, price_list
from llma.llm.redact import redacted
from llma.llm.request import Answer, Request
from llma.llm.transport import Transport
from llma.settings import Settings, SettingsError
from llma.store.base import Store


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls at the same time; seconds for one attempt, and for all calls of the run."""

    concurrency: int
    timeout_seconds: float
    run_seconds: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A dry run: ``calls`` that would be made, ``cached`` that would not; likely tokens and dollars, and the most dollars.

    ``output_tokens`` are the most. A model without a price costs tokens, no dollars.
    """

    calls: int
    cached: int
    input_tokens: int
    output_tokens: int
    usd: float
    usd_at_most: float


@dataclass(slots=True)
class _Flight:
    """A question under way, and how many wait for its answer."""

    task: asyncio.Task[Answer]
    waiting: int = 0


class LLMClient:
    """One per run: ``async with LLMClient.from_settings(settings(), store) as client: await client.ask(request)``.

    Belongs to one event loop.
    """

    def __init__(
        self,
        store: Store,
        endpoint: Endpoint,
        budget: Budget,
        limits: Limits,
        *,
        prices: PriceList | None = None,
        redact: bool = True,
        transport: Callable[[Endpoint, Callable[[], datetime]], Transport] = Transport,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``transport`` makes one attempt. ``clock``, ``sleep`` and ``now`` are for tests. The run's time counts from here."""
        self._store = store
        self._endpoint = endpoint
        self._budget = budget
        self._prices = price_list() if prices is None else prices
        self._redact = redact
        self._now = now
        self.concurrency = limits.concurrency
        self._ledger = Ledger(store, budget)
        times = Times(limits.timeout_seconds, clock() + limits.run_seconds, clock, sleep, now)
        self._calls = Calls(
            endpoint, self._ledger, Limiter(limits.concurrency, clock=clock, sleep=sleep), times, transport
        )
        # As many as the calls can take: of 800 questions at once, all would be redacted before the first is on its way.
        self._near = asyncio.Semaphore(self._calls.places)
        self._flights: dict[tuple[int, str], _Flight] = {}

    @classmethod
    def from_settings(cls, settings: Settings, store: Store, *, run_seconds: float | None = None) -> Self:
        """``run_seconds``: where the run has less time than LLMA_LLM_RUN_MINUTES.

        Raises SettingsError where the key is missing (the message names the variables), or the prices are unusable.
        """
        seconds = settings.llm_run_minutes * 60
        limits = Limits(
            min(settings.llm_concurrency, machine_bound()),
            settings.llm_timeout_seconds,
            seconds if run_seconds is None else min(seconds, run_seconds),
        )
        prices = price_list(settings.llm_prices)
        return cls(store, endpoint_of(settings), Budget.of(settings), limits, prices=prices, redact=settings.llm_redact)

    def check(self, model: str) -> None:
        """Raises SettingsError for a model that has neither a price nor a token budget. ``ask`` does, too."""
        if self._price(model) is None and not (self._budget.tokens_run and self._budget.tokens_day):
            raise SettingsError(
                f"no price is known for the model {model!r} of {self._endpoint.preset.name}: give one in a file that "
                "LLMA_LLM_PRICES names, or set LLMA_LLM_BUDGET_TOKENS_RUN and LLMA_LLM_BUDGET_TOKENS_DAY"
            )

    async def ask(self, request: Request) -> Answer:
        """The answer, kept from before or paid now. Two identical questions at the same time are asked once.

        Raises LLMError (BudgetExhausted among them), SettingsError as ``check``, StoreError. Their messages hold no key and
        no text.
        """
        self.check(request.model)
        async with self._near:
            return await self._ask(request)

    async def _ask(self, request: Request) -> Answer:
        prepared = self._prepare(request)
        key = request.team_id, prepared.request_hash
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.get_running_loop().create_task(self._answer(prepared)))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                del self._flights[key]
                if not flight.task.done():  # everybody who wanted it was cancelled
                    flight.task.cancel()
                    await asyncio.wait([flight.task])

    async def estimate(self, requests: Sequence[Request]) -> Estimate:
        """What these requests would cost. Sends nothing."""
        distinct = {(p.request.team_id, p.request_hash): p for p in map(self._prepare, requests)}
        today = self._now().date()
        kept = await asyncio.gather(*(self._ledger.kept(*key, today) for key in distinct))
        fresh = [p for p, known in zip(distinct.values(), kept, strict=True) if known is None or p.request.fresh]
        usual = [usual_input_tokens(p.request, p.messages) for p in fresh]
        most = [most_input_tokens(p.request, p.messages) for p in fresh]
        return Estimate(
            calls=len(fresh),
            cached=len(requests) - len(fresh),
            input_tokens=sum(usual),
            output_tokens=sum(p.request.max_output_tokens for p in fresh),
            usd=_dollars(fresh, usual),
            usd_at_most=_dollars(fresh, most),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._ledger.close()
        await self._calls.close()

    def _price(self, model: str) -> Price | None:
        return self._prices.of(self._endpoint.preset, model)

    def _prepare(self, request: Request) -> Prepared:
        messages = messages_of(request)
        if self._redact:
            texts = redacted([message["content"] for message in messages])
            messages = [{**message, "content": text} for message, text in zip(messages, texts, strict=True)]
        dialect = dialect_of(self._endpoint.preset, request.model)
        request_hash = fingerprint(self._store.text_key, self._endpoint.base_url, request, messages, dialect)
        return Prepared(request, messages, request_hash, dialect, self._price(request.model))

    async def _answer(self, prepared: Prepared) -> Answer:
        request = prepared.request
        if not request.fresh:
            kept = await self._ledger.kept(request.team_id, prepared.request_hash, self._now().date())
            if kept is not None:
                return kept_answer(kept)
        return await self._calls.make(prepared)


def _dollars(calls: Sequence[Prepared], input_tokens: Sequence[int]) -> float:
    return sum(
        call.price.cost(tokens, call.request.max_output_tokens)
        for call, tokens in zip(calls, input_tokens, strict=True)
        if call.price is not None
    )


__all__ = ["Answer", "BudgetExhausted", "Estimate", "Fault", "LLMClient", "LLMError", "Limits", "Request"]
