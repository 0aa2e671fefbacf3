"""The budget is never exceeded: not by calls at the same time, nor by several processes, nor by what may have been paid."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.llm.budget import Budget, Charge, charge_of, most_input_tokens
from llma.llm.client import BudgetExhausted, LLMClient, Request
from llma.llm.dialect import messages_of
from llma.llm.prices import Price
from llma.reasons import Skipped
from llma.settings import SettingsError
from llma.store.answers import Spent
from llma.store.base import Store
from tests.llm.clients import Time, calls_in, client_of, question, store_in
from tests.llm.conftest import Clients
from tests.llm.server import CUT, Say, Server
from tests.llm.test_faults import ask

# gpt-4.1-nano: at 500 tokens of output, and some 500 bytes of input, a call reserves $0.00025
A_CALL = 0.00026


def spent(store: Store) -> float:
    with store.reading() as reader:
        return reader.llm_spent().cost_usd


def outcomes(client: LLMClient, requests: list[Request]) -> list[str]:
    async def all_of_them() -> list[object]:
        async with client:
            return await asyncio.gather(*(client.ask(request) for request in requests), return_exceptions=True)

    return [type(each).__name__ for each in asyncio.run(all_of_them())]


def test_a_call_that_might_exceed_the_run_s_budget_is_not_made(server: Server, client: Clients, store: Store):
    with pytest.raises(BudgetExhausted) as caught:
        ask(client, budget=Budget(0.0001, 5))
    assert caught.value.reason is Skipped.BUDGET
    assert "LLMA_LLM_BUDGET_USD_RUN" in str(caught.value)
    assert server.seen == []
    assert calls_in(store) == []


def test_the_day_s_budget_counts_other_runs_of_the_day_and_no_other_day(
    server: Server, client: Clients, store: Store, passing: Time
):
    server.answer = lambda body: Say('{"title": "x"}', usage=(500, 400))  # costs $0.00021
    small = Budget(1, 2 * A_CALL)
    ask(client, question("1", run_id="a"), budget=small)
    with pytest.raises(BudgetExhausted) as caught:
        ask(client, question("2", run_id="b"), budget=Budget(1, 1.7 * A_CALL))
    assert "LLMA_LLM_BUDGET_USD_DAY" in str(caught.value)
    passing.passed += timedelta(hours=13).total_seconds()
    ask(client, question("3", run_id="c"), budget=small)
    assert len(server.seen) == 2


def test_calls_at_the_same_time_spend_all_of_the_budget_and_no_more(server: Server, client: Clients, store: Store):
    """Each costs a tenth of what it reserves: those that are refused at first wait for others to be settled."""
    server.answer = lambda body: Say('{"title": "x"}', usage=(90, 40))  # $0.000025
    budget = Budget(5 * A_CALL, 5)
    got = outcomes(client(concurrency=16, budget=budget), [question(str(number)) for number in range(80)])
    answered = got.count("Answer")
    assert set(got) == {"Answer", "BudgetExhausted"}
    assert len(server.seen) == answered
    assert spent(store) <= budget.usd_run
    assert answered >= (budget.usd_run - A_CALL) // 0.000025  # what was left was less than one call may cost


def test_an_attempt_that_may_have_been_paid_stays_reserved(server: Server, client: Clients, store: Store):
    server.script(CUT)
    with pytest.raises(BudgetExhausted):
        ask(client, budget=Budget(1.5 * A_CALL, 5))
    assert len(server.seen) == 1
    (call,) = calls_in(store)
    assert (call.status, call.reason, call.attempts) == ("failed", "budget", 1)
    assert A_CALL / 2 < call.cost_usd <= A_CALL


def test_while_it_is_under_way_a_call_is_reserved_with_the_most_it_may_cost(
    server: Server, client: Clients, store: Store
):
    during: list[tuple[str, float]] = []

    def look(body: object) -> Say:
        during.extend((call.status, call.cost_usd) for call in calls_in(store))
        return Say('{"title": "x"}', usage=(100, 20), cached_tokens=40)

    server.answer = look
    ask(client)
    ((status, reserved),) = during
    assert status == "reserved"
    assert reserved > 500 * 0.4e-6
    assert spent(store) == pytest.approx(60 * 0.1e-6 + 40 * 0.025e-6 + 20 * 0.4e-6)


def test_an_endpoint_that_counts_no_tokens_is_charged_the_most(server: Server, client: Clients, store: Store):
    server.script(Say('{"title": "x"}', usage=None))
    ask(client)
    (call,) = calls_in(store)
    assert call.output_tokens == 500
    assert call.cost_usd > 500 * 0.4e-6


def test_a_model_without_a_price_needs_a_budget_in_tokens(server: Server, client: Clients, store: Store):
    unknown = question(model="mystery-7b")
    with pytest.raises(SettingsError, match=r"LLMA_LLM_PRICES.*LLMA_LLM_BUDGET_TOKENS_RUN"):
        ask(client, unknown)
    budget = Budget(1, 1, tokens_run=1500, tokens_day=10_000)
    assert ask(client, unknown, budget=budget).cost_usd == 0
    (call,) = calls_in(store)
    assert (call.tokens, call.cost_usd) == (120, 0)
    with pytest.raises(BudgetExhausted, match="LLMA_LLM_BUDGET_TOKENS_RUN"):
        ask(client, question("again", model="mystery-7b", max_output_tokens=1000), budget=budget)


def test_a_server_of_one_s_own_is_free_and_needs_no_budget(server: Server, client: Clients, store: Store):
    ask(client, question(model="llama3.2"), provider="ollama", budget=Budget(0, 0))
    (call,) = calls_in(store)
    assert (call.input_tokens, call.output_tokens, call.tokens, call.cost_usd) == (100, 20, 0, 0)


def test_an_estimate_sends_nothing_and_bounds_the_cost(server: Server, client: Clients, store: Store):
    requests = [question(str(number)) for number in range(5)]

    async def first_one_then_all() -> None:
        async with client() as asking:
            await asking.ask(requests[0])
            estimate = await asking.estimate([*requests, requests[1]])
            assert (estimate.calls, estimate.cached) == (4, 2)
            assert estimate.output_tokens == 2000
            assert 0 < estimate.usd < estimate.usd_at_most
            assert len(server.seen) == 1
            for request in requests:
                await asking.ask(request)
            assert spent(store) <= estimate.usd_at_most

    asyncio.run(first_one_then_all())


def spend(base_url: str, folder: Path, name: str, budget: Budget) -> None:
    """A process of its own that asks 40 questions on the day's budget."""
    client = client_of(base_url, store_in(folder), Time(), budget=budget)
    outcomes(client, [question(f"{name} {number}", run_id=name) for number in range(40)])


def test_two_processes_share_the_day_s_budget(server: Server, tmp_path: Path):
    server.answer = lambda body: Say('{"title": "x"}', usage=(300, 300))  # $0.00015
    budget = Budget(1, 20 * A_CALL)
    spawn = multiprocessing.get_context("spawn")
    children = [spawn.Process(target=spend, args=(server.base_url, tmp_path, name, budget)) for name in ("one", "two")]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0]
    store = store_in(tmp_path)
    assert {call.run_id for call in calls_in(store)} == {"one", "two"}
    assert len(server.seen) == len(calls_in(store)) < 80
    assert 10 * A_CALL < spent(store) <= budget.usd_day


amounts = st.floats(0, 100, allow_nan=False)
prices = st.builds(Price, amounts, amounts, amounts)
tokens = st.integers(0, 10_000_000)


@given(st.lists(st.tuples(prices, tokens, tokens, tokens), max_size=20), amounts, amounts)
def test_what_is_granted_never_adds_up_to_more_than_the_budget(
    calls: list[tuple[Price, int, int, int]], run: float, day: float
):
    budget, granted = Budget(run, day), 0.0
    for price, given_, got, cached in calls:
        charge = charge_of(price, given_, got, cached)
        so_far = Spent(granted, 0)
        if budget.refusal(charge, so_far, so_far) is None:
            granted += charge.usd
    assert granted <= min(run, day) or granted == 0


@given(st.lists(tokens, max_size=20), tokens, tokens)
def test_the_same_of_tokens(calls: list[int], run: int, day: int):
    budget, granted = Budget(0, 0, run, day), 0
    for each in calls:
        if budget.refusal(Charge(tokens=each), Spent(0, granted), Spent(0, granted)) is None:
            granted += each
    assert granted <= min(run, day)


@given(prices, tokens, tokens, tokens, tokens)
def test_fewer_tokens_never_cost_more_and_cached_ones_are_part_of_the_input(
    price: Price, given_: int, got: int, cached: int, less: int
):
    cheap = Price(price.input, price.output, min(price.cached_input, price.input))
    most = cheap.cost(given_, got)
    assert cheap.cost(min(less, given_), min(less, got), cached) <= most or math.isclose(most, cheap.cost(given_, got))


@given(st.text(max_size=300), st.text(max_size=50))
def test_no_tokenizer_makes_more_tokens_than_the_bound(user: str, system: str):
    request = question(user, system=system)
    sent = sum(len(text.encode(errors="replace")) for text in (user, system))
    assert most_input_tokens(request, messages_of(request)) > sent
