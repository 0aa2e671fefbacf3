"""Reservations, settlements and kept answers: in the store, whatever waits in one transaction.

A call is reserved with the most it may cost before it is made, in the transaction that has read what all processes have
spent; so their sum never exceeds a budget. Each call by itself would wait for the store's file 100 times a second: one
writer takes whatever waits (measured: ``bench/llm.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

from llma.llm.budget import Budget, Charge
from llma.records import LLMAnswer, LLMCall
from llma.store.answers import Spent
from llma.store.base import Reader, Store, Writer
from llma.store.tables import LLM_ANSWERS, LLM_CALLS

RESERVED, OK, FAILED = "reserved", "ok", "failed"

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class _Look:
    """Is there an answer? Gives an LLMAnswer or None."""

    team_id: int
    request_hash: str
    today: date


@dataclass(frozen=True, slots=True)
class _Reserve:
    """May this call be made (``more``: what it charges beyond what is reserved for it)? Gives a refusal or None."""

    call: LLMCall
    more: Charge


@dataclass(frozen=True, slots=True)
class _Settle:
    """What became of a call, and its answer where there is one to keep."""

    call: LLMCall
    answer: LLMAnswer | None


_Wish = _Look | _Reserve | _Settle


class Ledger:
    """The store's tables ``llm_calls`` and ``llm_answers`` for one run. Belongs to one event loop; ``close`` it."""

    def __init__(self, store: Store, budget: Budget) -> None:
        self._store = store
        self._budget = budget
        self._waiting: list[tuple[_Wish, asyncio.Future[Any]]] = []
        self._worker: asyncio.Task[None] | None = None
        # One thread, because the store keeps a connection for each that uses it.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llma-ledger")

    async def kept(self, team_id: int, request_hash: str, today: date) -> LLMAnswer | None:
        """The answer that an earlier call got to this request. Raises StoreError, as all here do."""
        return await self._wish(_Look(team_id, request_hash, today))

    async def reserve(self, call: LLMCall, more: Charge) -> str | None:
        """Write the reservation, unless run or day would exceed its budget: then why, and nothing is written."""
        return await self._wish(_Reserve(call, more))

    async def settle(self, call: LLMCall, answer: LLMAnswer | None = None) -> None:
        """The true amounts, and the answer to keep, in one transaction."""
        await self._wish(_Settle(call, answer))

    def settle_later(self, call: LLMCall) -> None:
        """As ``settle``, for whoever is cancelled and must not wait; done at the latest when the ledger closes."""
        # Nobody waits for what becomes of it: where the store fails, the reservation stays, which is the safe side.
        self._wish(_Settle(call, None)).add_done_callback(lambda done: done.cancelled() or done.exception())

    async def close(self) -> None:
        """Write what waits, and end the thread."""
        while self._worker is not None:
            await asyncio.wait([self._worker])
        self._thread.shutdown()

    def _wish(self, wish: _Wish) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((wish, future))
        if self._worker is None:
            self._worker = loop.create_task(self._work())
        return future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, []
                wishes = [wish for wish, _ in taken]
                try:
                    answers = await loop.run_in_executor(self._thread, self._grant, wishes)
                except Exception as error:  # noqa: BLE001 - handed to each that waits
                    for _, future in taken:
                        if not future.done():
                            future.set_exception(error)
                    continue
                for (_, future), answer in zip(taken, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
        finally:
            self._worker = None

    def _grant(self, wishes: Sequence[_Wish]) -> list[Any]:
        """The wishes in their order, in one transaction. A read-only one where nothing is to be written."""
        looks = [wish for wish in wishes if isinstance(wish, _Look)]
        if len(looks) == len(wishes):
            with self._store.reading() as reader:
                kept = _kept(reader, looks)
            if all(answer.last_used_day >= look.today for look in looks if (answer := _of(kept, look))):
                return [_of(kept, look) for look in looks]
        with self._store.writing() as writer:
            return _Transaction(writer, self._budget, looks).run(wishes)


class _Transaction:
    """What one transaction has read, and what it will write at its end."""

    def __init__(self, writer: Writer, budget: Budget, looks: Sequence[_Look]) -> None:
        self._writer = writer
        self._budget = budget
        self._kept = _kept(writer, looks)
        self._runs: dict[str, Spent] = {}
        self._days: dict[date, Spent] = {}
        self._reserved: list[LLMCall] = []
        self._answers: list[LLMAnswer] = []
        self._over: set[str] = set()

    def run(self, wishes: Sequence[_Wish]) -> list[Any]:
        """Settlements first: what they free is there for the reservations after them."""
        settled = [wish for wish in wishes if isinstance(wish, _Settle)]
        self._over = {wish.call.call_uuid for wish in settled}
        self._writer.upsert(LLM_CALLS, [wish.call for wish in settled])
        self._answers = [wish.answer for wish in settled if wish.answer is not None]
        answers = [self._one(wish) for wish in wishes]
        self._writer.upsert(LLM_CALLS, self._reserved)
        self._writer.upsert(LLM_ANSWERS, self._answers)
        return answers

    def _one(self, wish: _Wish) -> Any:
        if isinstance(wish, _Look):
            answer = _of(self._kept, wish)
            if answer is not None and answer.last_used_day < wish.today:
                self._answers.append(replace(answer, last_used_day=wish.today))
            return answer
        return self._reserve(wish) if isinstance(wish, _Reserve) else None

    def _reserve(self, wish: _Reserve) -> str | None:
        """Against what the store says, and what this transaction has granted."""
        call = wish.call
        if call.call_uuid in self._over:  # cancelled while it waited
            return "the call is over"
        day = call.started_at.astimezone(UTC).date()
        run_spent = _read(self._runs, call.run_id, lambda: self._writer.llm_spent(run_id=call.run_id))
        day_spent = _read(self._days, day, lambda: self._writer.llm_spent(datetime.combine(day, time(), UTC)))
        refusal = self._budget.refusal(wish.more, run_spent, day_spent)
        if refusal is None:
            self._reserved.append(call)
            self._runs[call.run_id] = _plus(run_spent, wish.more)
            self._days[day] = _plus(day_spent, wish.more)
        return refusal


def _read(known: dict[_Key, Spent], key: _Key, ask: Callable[[], Spent]) -> Spent:
    if key not in known:
        known[key] = ask()
    return known[key]


def _plus(spent: Spent, charge: Charge) -> Spent:
    return Spent(spent.cost_usd + charge.usd, spent.unpriced_tokens + charge.tokens)


def _kept(reader: Reader, looks: Sequence[_Look]) -> dict[tuple[int, str], LLMAnswer]:
    hashes: dict[int, list[str]] = {}
    for look in looks:
        hashes.setdefault(look.team_id, []).append(look.request_hash)
    return {
        (team_id, request_hash): answer
        for team_id, wanted in hashes.items()
        for request_hash, answer in reader.llm_answers(team_id, wanted).items()
    }


def _of(kept: dict[tuple[int, str], LLMAnswer], look: _Look) -> LLMAnswer | None:
    return kept.get((look.team_id, look.request_hash))
