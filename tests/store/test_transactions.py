"""A block is one change: all of it or nothing, seen by nobody before it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from llma.store.base import Store, Writer
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    DERIVED_EVENTS,
    HOUR_LEDGER,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TABLES,
    TEXT_SCORES,
    TEXTS,
    USER_MESSAGES,
    Table,
)
from tests.store.conftest import Opener
from tests.store.rows import (
    H0,
    NOW,
    STEP,
    BrokenOffError,
    append,
    break_off,
    coverage,
    derived,
    event,
    rejected,
    rows_of,
    text,
    text_score,
    uid,
    upsert,
    user_message,
)


def write_everything(writer: Writer) -> None:
    writer.append([event(1), event(2)], NOW)
    writer.reject([rejected()])
    writer.put_texts([text()])
    writer.put_scores([text_score()])
    writer.replace_hour(USER_MESSAGES, 1, H0, [user_message()], 2)
    writer.upsert(DERIVED_EVENTS, [derived()])
    writer.upsert(COVERAGE, [coverage()])
    writer.begin_step(1, H0, STEP, arrived_seq=2, run_id="r", now=NOW)
    writer.finish_step(1, H0, STEP, number=2, seen_seq=2, model_version="v", counts=(1, 1, 0), now=NOW)


WRITTEN = (
    SOURCE_EVENTS,
    ARRIVALS,
    REJECTED_EVENTS,
    TEXTS,
    TEXT_SCORES,
    USER_MESSAGES,
    DERIVED_EVENTS,
    COVERAGE,
    HOUR_LEDGER,
)


def everything(store: Store) -> dict[Table, list]:
    with store.reading() as reader:
        return {table: reader.rows(table) for table in TABLES}


def test_a_block_that_ends_is_kept_whole(store: Store):
    with store.writing() as writer:
        write_everything(writer)
    assert {table for table, rows in everything(store).items() if rows} == set(WRITTEN)


@pytest.mark.usefixtures("transactional")
def test_a_block_that_raises_leaves_nothing(store: Store):
    with pytest.raises(BrokenOffError):
        break_off(store, write_everything)
    assert not any(everything(store).values())


@pytest.mark.usefixtures("transactional")
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_block_that_is_interrupted_leaves_nothing(store: Store, error: type[BaseException]):
    with pytest.raises(error):
        break_off(store, write_everything, error)
    assert not any(everything(store).values())


def change_everything(writer: Writer) -> None:
    writer.append([event(3)], NOW)
    writer.put_texts([text(last_used_day=NOW.date().replace(year=2027))])
    writer.put_scores([text_score(label="negative")])
    writer.replace_hour(USER_MESSAGES, 1, H0, [], 99)
    writer.remove_derived(1, [uid(1)], 99)
    writer.clear_coverage(1, H0, STEP, ["i"], 99)
    writer.fail_step(1, H0, STEP, "model_error")


@pytest.mark.usefixtures("transactional")
def test_a_block_that_raises_leaves_what_was_there(store: Store):
    with store.writing() as writer:
        write_everything(writer)
    before = everything(store)
    with pytest.raises(BrokenOffError):
        break_off(store, change_everything)
    assert everything(store) == before


def unreadable_uuid(writer: Writer) -> None:
    write_everything(writer)
    writer.upsert(DERIVED_EVENTS, [derived(uuid="no uuid")])


def missing_text(writer: Writer) -> None:
    write_everything(writer)
    writer.put_texts([text("another", text=None)])


@pytest.mark.usefixtures("transactional")
@pytest.mark.parametrize("mistake", [unreadable_uuid, missing_text])
def test_a_row_that_the_engine_refuses_takes_its_block_with_it(store: Store, mistake: Callable[[Writer], None]):
    with pytest.raises(Exception, match=r".") as refused:
        break_off(store, mistake)
    assert not isinstance(refused.value, BrokenOffError)
    assert not any(everything(store).values())
    append(store, event(1))
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [1]


def test_a_reading_block_that_raises_does_no_harm(store: Store):
    append(store, event(1))

    def read_and_raise() -> None:
        with store.reading() as reader:
            next(reader.generations(1, H0, upto_seq=9))
            raise BrokenOffError

    for _ in range(3):
        with pytest.raises(BrokenOffError):
            read_and_raise()
    assert append(store, event(2)) == (1, 0)


def test_what_one_store_object_wrote_another_one_reads(opener: Opener):
    append(opener(), event(1))
    assert append(opener(), event(1), event(2)) == (1, 1)
    assert len(rows_of(opener(), SOURCE_EVENTS)) == 2


@pytest.mark.usefixtures("transactional")
def test_threads_share_a_store(store: Store):
    """Four write, two read, all through one object: each reader sees whole blocks only."""
    done = threading.Event()
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - handed to the test
                failures.append(error)

        return run

    def write(team_id: int) -> None:
        for number in range(10):
            with store.writing() as writer:
                writer.append([event(2 * number + part, team_id=team_id) for part in (0, 1)], NOW)
                writer.upsert(USER_MESSAGES, [user_message(str(number), team_id=team_id)])

    def read() -> None:
        while not done.is_set():
            with store.reading() as reader:
                events, turns = len(reader.rows(SOURCE_EVENTS)), len(reader.rows(USER_MESSAGES))
            assert events == 2 * turns

    writers = [threading.Thread(target=guarded(lambda team_id=team_id: write(team_id))) for team_id in range(4)]
    readers = [threading.Thread(target=guarded(read)) for _ in range(2)]
    for thread in writers + readers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert failures == []
    assert sorted(row.seq for row in rows_of(store, SOURCE_EVENTS)) == list(range(1, 81))


def test_one_thread_may_read_while_another_reads(store: Store):
    append(store, event(1))
    inside, leave = threading.Event(), threading.Event()
    seen: list[int] = []

    def read() -> None:
        with store.reading() as reader:
            inside.set()
            leave.wait(30)
            seen.append(len(reader.rows(SOURCE_EVENTS)))

    thread = threading.Thread(target=read)
    thread.start()
    assert inside.wait(30)
    with store.reading() as reader:
        seen.append(len(reader.rows(SOURCE_EVENTS)))
    leave.set()
    thread.join()
    assert seen == [1, 1]


def test_a_thread_that_ended_holds_nothing(store: Store):
    thread = threading.Thread(target=lambda: append(store, event(1)))
    thread.start()
    thread.join()
    upsert(store, USER_MESSAGES, user_message())
    assert len(rows_of(store, SOURCE_EVENTS)) == 1
