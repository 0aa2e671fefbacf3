"""The bullets of a summary: what was asked, what was done for it, what went wrong, how it ended, in the order of the lines."""

from __future__ import annotations

from collections.abc import Iterator

from llma.summaries.extractive.bullet import LATE, Bullet
from llma.summaries.extractive.calls import Call, acts, hands_over
from llma.summaries.extractive.ending import Answer, End, Error
from llma.summaries.extractive.english import THANKS
from llma.summaries.extractive.facts import NEGATIVE, POSITIVE, Facts
from llma.summaries.extractive.framing import framed
from llma.summaries.extractive.phrases import SHORT, counted, in_words, name, named, point, said, times
from llma.summaries.extractive.sentences import (
    Sentence,
    is_courtesy,
    key,
    plain,
    quoted,
    shortened,
    size,
    telling,
    words,
)
from llma.summaries.extractive.turns import Turn
from llma.summaries.references import Range
from llma.summaries.schema import MODES, Point

# The ranks that every summary of the mode tells; the others are for traces with little to tell.
_TELL = {"minimal": 3, "detailed": 5}
_LATER = 4
_ARGUMENTS = 90


def bullets(facts: Facts, mode: str) -> tuple[Point, ...]:
    """As many as the mode has, in the order of what happened."""
    fewest, most = MODES[mode].bullets
    # Of what is told in two ways, the first: a quote is worth its place once.
    found = list({one.text.partition(': "')[2] or one.text: one for one in reversed(list(_told(facts)))}.values())
    found.sort(key=lambda one: (one.rank, one.line))
    chosen = [one for one in found if one.rank <= _TELL[mode]][:most]
    chosen = found[:fewest] if len(chosen) < fewest else chosen
    return tuple(point(one.text, one.lines) for one in sorted(chosen, key=lambda one: (one.line, one.rank)))


def _told(facts: Facts) -> Iterator[Bullet]:
    used: list[Sentence] = []
    yield from _asked(facts)
    yield from _tools(facts)
    yield from _failures(facts)
    yield from _errors(facts.errors)
    yield from _moods(facts)
    yield from _answer(facts, used)
    yield from _end(facts)
    yield from framed(facts, used)


def _asked(facts: Facts) -> Iterator[Bullet]:
    for number, turn in enumerate(facts.asks[: _LATER + 1]):
        if turn.ask is None:
            continue
        ask, lines = turn.ask, [_lines(turn.ask)]
        verb = "asks" if _is_question(ask) else "writes" if number == 0 else "says"
        if number == 0:
            yield Bullet(0, turn.first, f"The user {verb}: {said(ask)}", tuple(lines))
            rest = key([one for one in turn.own if one.text != ask.text and size(one.text) > 20], words(ask.text))
            if rest is not None:
                yield Bullet(6, turn.first, f"The request adds: {said(rest)}", (_lines(rest),))
            continue
        # In a chat the reply is the story; where tools run, what they did is.
        answer = None if facts.tools.times else _answer_to(facts, turn)
        reply = answer and key(answer.said, words(ask.text))
        if reply is not None and answer is not facts.answers[-1]:
            lines.append(_lines(reply))
            text = f"The user then {verb} {quoted(ask.text, SHORT)}; the reply: {said(reply, SHORT)}"
        else:
            text = f"The user then {verb}: {said(ask)}"
        yield Bullet(3 if number < 3 else 4, turn.first, text, tuple(lines))
    later = [turn for turn in facts.asks[_LATER + 1 :] if turn.ask is not None]
    if later and later[-1].ask is not None:
        last = later[-1].ask
        more = "request follows" if len(later) == 1 else "requests follow"
        text = f"{in_words(len(later)).capitalize()} more {more}, the last: {said(last)}"
        yield Bullet(4, last.first, text, (*((turn.first, turn.first) for turn in later[:-1][:3]), _lines(last)))


def _tools(facts: Facts) -> Iterator[Bullet]:
    tools = facts.tools
    if not tools.times:
        return
    what = "step" if tools.steps else "tool call"
    lines: list[Range] = [tool.lines[0] for tool in tools.tools if tool.lines]
    if tools.times == 1:
        text = f"The only {what} is {name(tools.tools[0].name)}, which {'fails' if tools.failed else 'works'}."
        lines += [call.answer for call in tools.calls if call.answer]
    else:
        failed = f"{in_words(tools.failed) if tools.failed else 'none'} failed"
        text = f"{counted(tools.times, what).capitalize()}, {failed}: {named(tools.tools)}."
    yield Bullet(2, min((line for line, _ in lines), default=LATE), text, tuple(lines))
    done = [call for call in tools.calls if acts(call.name) and not hands_over(call.name) and not call.failed]
    for call in [] if tools.steps else done[-2:]:
        yield Bullet(
            2 if call is done[-1] else 5, call.first, f"{_with_arguments(call)} goes through.", tuple(call.lines)
        )
    for group in tools.loops()[:1]:
        text = f"{name(group[0].name)} is called {times(len(group))} with the same arguments."
        yield Bullet(1, group[0].first, text, tuple((call.first, call.first) for call in group))


def _failures(facts: Facts) -> Iterator[Bullet]:
    """Each way in which a tool failed, once."""
    groups: dict[tuple[str, str], list[Call]] = {}
    for call in facts.tools.calls:
        if call.failed:
            groups.setdefault((call.name, call.words.text if call.words else ""), []).append(call)
    for number, group in enumerate(groups.values()):
        call, words_ = group[0], group[0].words
        often = f" {times(len(group))}" if len(group) > 1 else ""
        why = f" with {quoted(words_.text)}" if words_ else ", without saying why"
        again = facts.tools.later_success(group[-1])
        text = f"{name(call.name)} fails{often}{why}"
        if again is not None:
            how = "when called again" if again.same == group[-1].same else "with other arguments"
            text += f", {'later works' if facts.tools.steps else f'and works {how}'}"
        lines = [_lines(words_) if words_ else call.lines[-1], (call.first, call.first)]
        lines += [(again.first, again.first)] if again is not None else []
        lines += [(one.first, one.first) for one in group[1:]]
        yield Bullet(1 if number < 2 else 3, call.first + 1, f"{text}.", tuple(lines))


def _errors(errors: tuple[Error, ...]) -> Iterator[Bullet]:
    for number, error in enumerate(errors[:3]):
        text = f"{name(error.name)} fails" + (f": {said(error.words)}" if error.words else ", without saying why.")
        lines = [(error.line, error.line), *([_lines(error.words)] if error.words else ())]
        yield Bullet(1 if number == 0 else 3, error.line, text[:1].upper() + text[1:], tuple(lines))


def _moods(facts: Facts) -> Iterator[Bullet]:
    felt = [turn for turn in facts.turns if turn.mood is not None]
    down = next((turn for turn in felt if turn.mood and turn.mood.label == NEGATIVE), None)
    shows = down and (telling(down.own) or down.ask)
    if down is None or shows is None:
        return
    start = "The user is unhappy from the start" if down is felt[0] else "The mood turns negative"
    # A sentence that is told as the request need not be told twice.
    quote = "." if shows is down.ask and down in facts.asks[: _LATER + 1] else f": {said(shows)}"
    yield Bullet(3, down.first, start + quote, (_lines(shows),))
    up = next((turn for turn in felt if turn.first > down.first and turn.mood and turn.mood.label == POSITIVE), None)
    glad = up and (telling(up.own) or up.ask)
    if up is not None and glad is not None:
        yield Bullet(4, up.first, f"It recovers: {said(glad)}", (_lines(glad),))


def _answer(facts: Facts, used: list[Sentence]) -> Iterator[Bullet]:
    """What the assistant came to."""
    about = {word for turn in facts.asks if turn.ask for word in words(turn.ask.text)}
    if facts.end_words is not None and facts.end is not End.ANSWERED:
        used.append(facts.end_words)
    tells = [a for a in facts.answers if any(_says(one) for one in a.said)]
    # A question back is no result, unless nothing else was said.
    last = next((a for a in reversed(tells) if any(_says(one) and not _is_question(one) for one in a.said)), None)
    last = last or next(reversed(tells), None)
    if last is not None and facts.end not in (End.REFUSED, End.HANDED_OVER):
        best = key([one for one in last.said if _says(one)], about, used)
        if best is not None:
            used.append(best)
            lead = "The assistant answers" if len(facts.answers) == 1 else "The assistant's last answer"
            lead = "The assistant reports" if any(acts(c.name) and not c.failed for c in facts.tools.calls) else lead
            yield Bullet(1, best.first, f"{lead}: {said(best)}", (_lines(best),))
    thanks = facts.turns[-1] if facts.turns else None
    if facts.end is End.ANSWERED and len(facts.turns) > 1 and thanks is not None and thanks not in facts.asks:
        one = telling(thanks.own)
        if one is not None and THANKS.search(one.text):
            yield Bullet(4, one.first, f"The user's last word: {said(one)}", (_lines(one),))


def _end(facts: Facts) -> Iterator[Bullet]:
    """How it ended, where that is not an answer."""
    at, words_ = facts.end_lines, facts.end_words
    line = at[0] if at else LATE - 2
    shown = (_lines(words_),) if words_ else (at,) if at else ()
    quote = f": {said(words_)}" if words_ else "."
    call = facts.tools.calls[-1] if facts.tools.calls else None
    if facts.end is End.ASKED and words_ is not None:
        yield Bullet(1, line, f"Left open, since no reply follows: {said(words_)}", shown)
    elif facts.end is End.REFUSED:
        yield Bullet(1, line, f"The assistant declines{quote}", shown)
    elif facts.end is End.HANDED_OVER:
        yield Bullet(1, line, f"The conversation is handed to a human{quote}", shown)
    elif facts.end is End.FAILED and not any(error.line == line for error in facts.errors[:3]):
        yield Bullet(1, line, f"It ends with a failure{quote}", shown)
    elif facts.end is End.CUT:
        yield Bullet(1, line, "The answer is cut off before its end.", shown)
    elif facts.end is End.UNANSWERED:
        quote = "." if facts.asks and words_ is facts.asks[0].ask else quote
        yield Bullet(1, LATE - 2, f"The user's last message gets no answer{quote}", shown)
    elif facts.end is End.CALLED and call is not None:
        how = f", which answers{quote}" if words_ else ", whose result was not recorded."
        yield Bullet(
            1, line, f"It ends with a call of {_with_arguments(call) if not words_ else name(call.name)}{how}", shown
        )


def _answer_to(facts: Facts, turn: Turn) -> Answer | None:
    later = min((one.first for one in facts.turns if one.first > turn.first), default=LATE)
    return next((answer for answer in facts.answers if turn.last < answer.first < later and answer.said), None)


def _with_arguments(call: Call) -> str:
    inside = call.text.strip().split("\n")[0].partition("(")[2].rpartition(")")[0]
    inside = shortened(plain(inside).replace("'", "").replace(",", ", ").replace(",  ", ", "), _ARGUMENTS)
    return f"{name(call.name)} ({inside})" if inside else name(call.name)


def _lines(one: Sentence) -> Range:
    return one.first, one.last


def _is_question(one: Sentence) -> bool:
    return one.text.rstrip('"”)').endswith(("?", "？", "؟"))


def _says(one: Sentence) -> bool:
    return size(one.text) > 12 and not is_courtesy(one.text)
