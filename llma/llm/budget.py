"""How many tokens a call can take at most, what that costs, and whether there is budget left for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llma.llm.dialect import FORMAT_RULE, Message, schema_text
from llma.llm.prices import Price
from llma.llm.request import Request
from llma.settings import Settings
from llma.store.answers import Spent

# Of the template that a provider wraps a message in (role, separators), and of what it puts round the whole; OpenAI's
# are 3 or 4 and 3. Generous, because a reservation must never be too small.
_TOKENS_A_MESSAGE = 16
_TOKENS_A_CALL = 64
# English, code and JSON have 3 to 4.5 bytes a token; for estimates, never for reservations.
_USUAL_BYTES_A_TOKEN = 3.5


@dataclass(frozen=True, slots=True)
class Charge:
    """Dollars; and tokens of a model without a price, which a token budget bounds instead."""

    usd: float = 0.0
    tokens: int = 0

    def __add__(self, other: Charge) -> Charge:
        return Charge(self.usd + other.usd, self.tokens + other.tokens)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run, and a day (UTC), may spend: dollars, and tokens of models without a price."""

    usd_run: float
    usd_day: float
    tokens_run: int = 0
    tokens_day: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Budget:
        return cls(
            settings.llm_budget_usd_run,
            settings.llm_budget_usd_day,
            settings.llm_budget_tokens_run,
            settings.llm_budget_tokens_day,
        )

    def refusal(self, charge: Charge, run: Spent, day: Spent) -> str | None:
        """Why a charge is not granted after what the run and the day have spent; None where it is."""
        for what, spent, limit, name in (
            ("run", run.cost_usd, self.usd_run, "LLMA_LLM_BUDGET_USD_RUN"),
            ("day", day.cost_usd, self.usd_day, "LLMA_LLM_BUDGET_USD_DAY"),
        ):
            if charge.usd and spent + charge.usd > limit:
                return (
                    f"the {what}'s budget is ${limit:g}, of which ${spent:.6f} is spent or reserved; this call may cost "
                    f"${charge.usd:.6f}: raise {name}"
                )
        for what, used, most, name in (
            ("run", run.unpriced_tokens, self.tokens_run, "LLMA_LLM_BUDGET_TOKENS_RUN"),
            ("day", day.unpriced_tokens, self.tokens_day, "LLMA_LLM_BUDGET_TOKENS_DAY"),
        ):
            if charge.tokens and used + charge.tokens > most:
                return (
                    f"the {what}'s budget is {most} tokens, of which {used} are spent or reserved; this call may take "
                    f"{charge.tokens}: raise {name}"
                )
        return None


def charge_of(price: Price | None, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> Charge:
    """What so many tokens charge to a budget."""
    if price is None:
        return Charge(tokens=input_tokens + output_tokens)
    return Charge(usd=price.cost(input_tokens, output_tokens, cached_tokens))


def most_input_tokens(request: Request, messages: Sequence[Message]) -> int:
    """An upper bound, whatever the tokenizer: none makes more tokens than there are bytes of UTF-8."""
    return _bytes(request, messages) + _TOKENS_A_MESSAGE * len(messages) + _TOKENS_A_CALL


def usual_input_tokens(request: Request, messages: Sequence[Message]) -> int:
    """About how many it will be: for an estimate."""
    return round(_bytes(request, messages) / _USUAL_BYTES_A_TOKEN) + 4 * len(messages)


def _bytes(request: Request, messages: Sequence[Message]) -> int:
    """Of all that is sent, a schema included: it may be told twice, as a parameter and in words."""
    schema = len((schema_text(request) + request.schema_name).encode(errors="replace"))
    texts = sum(len(message["content"].encode(errors="replace")) for message in messages)
    return texts + 2 * schema + len(FORMAT_RULE)
