"""Work on every core, results as they come, and a clean end between two pieces of work."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

# Jobs ready for each thread: enough to work on while the next window is tokenised or a result written.
AHEAD = 4


def in_parallel(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    threads: int,
    should_stop: Callable[[], bool] | None = None,
) -> Generator[Result, None, None]:
    """``work(job)`` for each job on so many threads, in the order they finish; jobs are drawn a few ahead of that.

    Once ``should_stop`` says so, no further job begins, and what runs is still yielded. What ``work`` or ``jobs`` raises
    is raised here. Closing the iterator waits for what runs and starts nothing more.
    """
    drawn = iter(jobs)
    running: set[Future[Result]] = set()
    with ThreadPoolExecutor(threads, thread_name_prefix="llma-scoring") as pool:
        try:
            while True:
                if should_stop is not None and should_stop():
                    drawn = iter(())
                    running = {future for future in running if not future.cancel()}
                for job in drawn:
                    running.add(pool.submit(work, job))
                    if len(running) >= threads * AHEAD:
                        break
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            for future in running:
                future.cancel()
