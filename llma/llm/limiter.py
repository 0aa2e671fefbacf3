"""How many calls run at the same time: at most a bound, fewer while the endpoint is overloaded, none while it asks for a rest."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from llma.sentiment.classify import cores

# A call waits for the network nearly all of its time: of 20,000 characters it takes 10 ms of processor (``bench/llm.py``), so
# that 32 a second are a third of a core.
_CALLS_A_CORE = 32
# A request of 2 million characters, its redacted copy, its JSON and its bytes, before they are sent.
_MB_A_CALL = 16
_MEMORY_SHARE = 0.5

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


def machine_bound() -> int:
    """Calls that this machine can carry: 32 a core, and 16 MiB each out of half of the free memory. At least one."""
    free = _free_megabytes()
    by_memory = free * _MEMORY_SHARE / _MB_A_CALL if free is not None else float("inf")
    return max(1, int(min(cores() * _CALLS_A_CORE, by_memory)))


def _free_megabytes() -> float | None:
    """Free memory in MiB, of the machine or of the container, whichever has less; None where it cannot be told (macOS)."""
    known: list[float] = []
    with suppress(OSError, ValueError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        known += [int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable:")]
    with suppress(OSError, ValueError):  # "max" where the container has no limit
        group = Path("/sys/fs/cgroup")
        most, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        known.append(max(0, most - used) / 2**20)
    return min(known, default=None)


class Limiter:
    """Slots for calls: additive growth on success, halved on overload. Belongs to one event loop."""

    def __init__(self, bound: int, *, clock: Clock = time.monotonic, sleep: Sleep = asyncio.sleep) -> None:
        self.bound = bound
        self._limit = float(bound)
        self._active = 0
        self._epoch = 0
        self._paused_until = float("-inf")
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._clock = clock
        self._sleep = sleep

    @property
    def limit(self) -> int:
        """How many calls may run now."""
        return int(self._limit)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """One call's place, from its first attempt to its last; first come, first served."""
        await self._enter()
        try:
            yield
        finally:
            self._leave()

    async def _enter(self) -> None:
        if self._active < self.limit and not self._waiting:
            self._active += 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # the place came in the same moment
                self._leave()
            raise

    def _leave(self) -> None:
        # Nothing is awaited: a call that is cancelled must not keep its place.
        self._active -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._active < self.limit:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._active += 1
                waiter.set_result(None)

    async def rest(self, until: float) -> bool:
        """Wait out a rest that the endpoint has asked for. False, at once, where it would last beyond ``until``."""
        while (left := self._paused_until - self._clock()) > 0:
            if self._paused_until >= until:
                return False
            await self._sleep(left)
        return True

    def pause(self, seconds: float) -> None:
        """No call begins for so long."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def begin(self) -> int:
        """The moment a call is sent, for ``overloaded``."""
        return self._epoch

    def overloaded(self, began: int) -> None:
        """Half as many calls from now on; once for all of the calls that were on their way together."""
        if began == self._epoch:
            self._epoch += 1
            self._limit = max(1.0, self._limit / 2)

    def succeeded(self) -> None:
        """One call more for each full round of successes."""
        if self._limit < self.bound:
            self._limit = min(self.bound, self._limit + 1 / self._limit)
            self._admit()
