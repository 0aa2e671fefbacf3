"""The Scorer that asks a language model, and the chain of a local model and it.

A message's text leaves the machine only for teams that the settings name (LLMA_LLM_TEAM_IDS); others have the local model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from llma.inference.errors import ModelError
from llma.llm.client import LLMClient, LLMError, Request
from llma.reasons import Failed, Skipped
from llma.sentiment.classify import Chunk, Scorer, ShouldStop, TeamScorer
from llma.sentiment.labels import Author, Scored
from llma.sentiment.llm_labels import SCHEMA, SYSTEM, TOKENS_A_MESSAGE, VERSION, asked, labelled

# Messages of one call: more save few tokens (the instruction is 150), and one bad entry costs more of them a second try.
BATCH = 20

# What of a local model's failures another model can mend.
_MENDABLE = (Failed.MODEL_ERROR, Failed.INFERENCE_TIMEOUT)
_NO_MODEL = Scored.failed(Failed.MODEL_ERROR)


@dataclass(frozen=True, slots=True)
class LLMScorer:
    """The Scorer over a provider's model, for one team and run. ``client`` makes a client of the run."""

    client: Callable[[], LLMClient]
    model: str
    provider: str
    team_id: int = 0
    run_id: str = ""
    neutral_margin: float = 0.0

    @property
    def model_version(self) -> str:
        return f"{self.provider}/{self.model}/{VERSION}"

    def stream(self, texts: Sequence[str], should_stop: ShouldStop | None = None) -> Iterator[Chunk]:
        """As ``Scorer.stream``: a chunk for each round of calls. Must not be called inside a running event loop.

        Raises SettingsError where the model has neither a price nor a token budget, and StoreError.
        """
        places: dict[str, list[int]] = {}
        blank: Chunk = []
        for index, text in enumerate(texts):
            if text.strip():
                places.setdefault(text, []).append(index)
            else:
                blank.append((index, Scored.skipped(Skipped.NO_USER_MESSAGES)))
        if blank:
            yield blank
        distinct = list(places)
        batches = [distinct[start : start + BATCH] for start in range(0, len(distinct), BATCH)]
        with asyncio.Runner() as runner:
            client = self.client()
            try:
                for start in range(0, len(batches), client.concurrency):
                    if should_stop is not None and should_stop():
                        return
                    part = batches[start : start + client.concurrency]
                    scores = runner.run(self._round(client, part))
                    yield [
                        (index, scored)
                        for batch, results in zip(part, scores, strict=True)
                        for text, scored in zip(batch, results, strict=True)
                        for index in places[text]
                    ]
            finally:
                runner.run(client.__aexit__(None, None, None))

    async def _round(self, client: LLMClient, batches: Sequence[Sequence[str]]) -> list[list[Scored]]:
        return await asyncio.gather(*(self._batch(client, batch) for batch in batches))

    async def _batch(self, client: LLMClient, texts: Sequence[str]) -> list[Scored]:
        """One call; and one more for the messages that it got wrong, if any."""
        scores = await self._ask(client, texts)
        wrong = [index for index, scored in enumerate(scores) if scored.reason == Failed.INVALID_OUTPUT]
        if 0 < len(wrong) < len(texts):
            again = await self._ask(client, [texts[index] for index in wrong])
            for index, scored in zip(wrong, again, strict=True):
                scores[index] = scored
        return scores

    async def _ask(self, client: LLMClient, texts: Sequence[str]) -> list[Scored]:
        request = Request(
            team_id=self.team_id,
            purpose="sentiment",
            item=f"{len(texts)} messages",
            run_id=self.run_id,
            model=self.model,
            system=SYSTEM,
            user=asked(texts),
            schema_name="message_sentiment",
            schema=SCHEMA,
            max_output_tokens=TOKENS_A_MESSAGE * (len(texts) + 1),
        )
        try:
            answer = await client.ask(request)
        except LLMError as error:
            reason = error.reason
            unscored = Scored.skipped(reason) if isinstance(reason, Skipped) else Scored.failed(reason)
            return [unscored] * len(texts)
        if answer.finish != "stop":
            return [Scored.failed(Failed.INVALID_OUTPUT)] * len(texts)
        return labelled(answer.text, len(texts))


@dataclass(frozen=True, slots=True)
class ChainedScorer:
    """Cache, then the local model, then the provider: for each team as far as its text may go.

    ``local`` is None where there is no local model, or none is wanted. Model and version are those of the first of the chain;
    what the provider scored names the provider's.
    """

    local: Scorer | None
    provider: LLMScorer
    may_leave: Callable[[int], bool]
    local_first: bool = True

    @property
    def _first(self) -> Scorer:
        return self.local if self.local is not None and self.local_first else self.provider

    @property
    def model(self) -> str:
        return self._first.model

    @property
    def model_version(self) -> str:
        return self._first.model_version

    @property
    def neutral_margin(self) -> float:
        return self._first.neutral_margin

    def for_team(self, team_id: int, run_id: str) -> TeamScorer:
        """The chain of a team; where its text may not leave, and there is no local model, each text fails for that."""
        if not self.may_leave(team_id):
            return _Chain(self.local, None, self._first)
        provider = replace(self.provider, team_id=team_id, run_id=run_id)
        return _Chain(self.local if self.local_first else None, provider, self._first)

    def stream(self, texts: Sequence[str], should_stop: ShouldStop | None = None) -> Iterator[Chunk]:
        """For texts of no known team: they stay. Raises ModelError where there is no local model."""
        if self.local is None:
            raise ModelError("texts of no known team do not leave the machine, and there is no local model")
        return self.local.stream(texts, should_stop)


class _Chain:
    """A team's chain. What was not scored by the scorer that the step is named after says who scored it."""

    def __init__(self, local: Scorer | None, provider: Scorer | None, named: Scorer) -> None:
        self.model, self.model_version = named.model, named.model_version
        self.neutral_margin = named.neutral_margin
        self._local, self._provider = local, provider
        asked = [each for each in (local, provider) if each is not None]
        authors = [Author(each.model, each.model_version) for each in asked]
        self.also = tuple(author for author in authors if author.model_version != named.model_version)

    def stream(self, texts: Sequence[str], should_stop: ShouldStop | None = None) -> Iterator[Chunk]:
        """As ``Scorer.stream``. Raises ModelError where the local model cannot be used and the provider may not be asked."""
        failed: dict[int, Scored] = {}
        left = set(range(len(texts)))
        try:
            for chunk in self._local.stream(texts, should_stop) if self._local is not None else ():
                left -= {index for index, _ in chunk}
                failed |= {index: scored for index, scored in chunk if scored.reason in _MENDABLE}
                if done := [(index, scored) for index, scored in chunk if index not in failed]:
                    yield self._signed(done, self._local)
        except ModelError:
            if self._provider is None:
                raise
            failed |= dict.fromkeys(left, _NO_MODEL)
        if self._local is None:
            failed = dict.fromkeys(left, _NO_MODEL)
        places = sorted(failed)
        if self._provider is None:
            yield [(index, failed[index]) for index in places]
        elif places and not (should_stop is not None and should_stop()):
            for chunk in self._provider.stream([texts[index] for index in places], should_stop):
                yield self._signed([(places[index], scored) for index, scored in chunk], self._provider)

    def _signed(self, chunk: Chunk, scorer: Scorer | None) -> Chunk:
        if scorer is None or scorer.model_version == self.model_version:
            return chunk
        author = Author(scorer.model, scorer.model_version)
        return [(index, replace(scored, author=author)) for index, scored in chunk]
