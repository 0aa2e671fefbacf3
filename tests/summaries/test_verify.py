"""References and quotes of a summary, held against the text that it tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.summaries.quotes import Lines, quotes
from llma.summaries.references import parse, written
from llma.summaries.schema import Point, Summary
from llma.summaries.verify import verified
from llma.traces.sample_lines import Sampled, fitted
from tests.strategies import unhurried
from tests.traces.traces import generation, rendered

SAID = (
    "REFUND BOT",
    "=" * 80,
    "Errors: 1 of 4 events failed",
    "",
    "├─ [GEN] agent (0.45s, $0.0023, gpt-4.1)",
    "│     [1] USER",
    "│     I want my money back for order 48213, this is",
    "│     absolutely ridiculous!",
    '│     get_order(id="48213")',
    "└─ [SPAN] refund_order (2.10s, ERROR)",
    "      ERROR:",
    "        status: 429",
    "        message: Don\\'t retry\\nbefore noon … (812 chars truncated) … call +4",
    "      ",
    "      the shop's answer was: no refund",
    "      no refund",
)
TEXT = Sampled("\n".join(f"L{n}: {line}" for n, line in enumerate(SAID, 1)), len(SAID), len(SAID))


def checked(text: str, line_refs: str, sampled: Sampled = TEXT) -> tuple[Point | None, int, int]:
    summary, references_given, references_valid = verified(Summary("t", "d", (Point(text, line_refs),), ()), sampled)
    return (summary.bullets[0] if summary.bullets else None), references_given, references_valid


@pytest.mark.parametrize(
    ("text", "line_refs"),
    [
        ("The user asked for a refund.", "L6-8"),
        ("The user asked for a refund.", ""),
        ("The trace has two halves.", "L1-5, L9-16"),
        ('The user wrote "I want my money back".', "L7"),
        ("The user wrote “I WANT my  money back…”", "L7"),
        ('The user found it "absolutely ridiculous!"', "L7-8"),
        ('The user: "for order 48213, this is absolutely ridiculous"', "L8"),
        ('The user: "I want my money back … ridiculous"', "L7-8"),
        ("It called `get_order(id='48213')` once.", "L9"),
        ('The tool said "Don\'t retry before noon".', "L13"),
        ("The tool said 'no refund' at last, the users' loss.", "L16"),
        ('It quotes "L12: status: 429" with its number.', "L12"),
        ("Ending with «the shop’s answer was»", "L15"),
        ('Written to "[email_1]" and "[phone_2]", redacted.', "L7"),
        ('Asks "I want my [thing_1] back".', "L7"),
    ],
)
def test_what_holds_stays_as_it_is(text: str, line_refs: str):
    references = len(parse(line_refs))
    assert checked(text, line_refs) == (Point(text, line_refs), references, references)


@pytest.mark.parametrize(
    ("text", "line_refs", "repaired"),
    [
        # lines that are not there: the quote's place, a number's, the part that is there, nothing
        ('The user wrote "I want my money back".', "L99", "L7"),
        ("The order was 48213, no other.", "L400", "L9"),
        ("The tool answered 429.", "L400", "L12"),
        ("It called refund_order.", "L99", "L10"),
        ("The whole trace.", "L1-99", "L1-16"),
        ("The end of it.", "L12-99", "L12-16"),
        ("It went wrong.", "L99", ""),
        ("It went wrong.", "L0", ""),
        ("It went wrong.", "L3, L99", "L3"),
        # lines that are there, but do not hold the quote
        ('The user found it "absolutely ridiculous".', "L2", "L8"),
        ('The answer: "no refund".', "L10", "L15"),
        ('The answer: "no refund".', "L17-20", "L16"),
    ],
)
def test_a_wrong_reference_is_repaired_or_dropped(text: str, line_refs: str, repaired: str):
    point, given_, valid = checked(text, line_refs)
    assert point == Point(text, repaired)
    assert given_ == len(parse(line_refs))
    assert valid == sum(1 for each in parse(line_refs) if each == (3, 3))


@pytest.mark.parametrize(
    ("text", "line_refs", "kept"),
    [
        ('The user is "furious" about it.', "L7", "The user is furious about it."),
        ("The agent went into a `loop` here.", "L9", "The agent went into a loop here."),
        ('The user wants "the money back for my order".', "L7", "The user wants the money back for my order."),
        ('The user wants "the money back for my order".', "", "The user wants the money back for my order."),
        ('It says "status was 429".', "L12", "It says status was 429."),
        ("He said \"all the 'money back' for order\".", "L7", "He said all the 'money back' for order."),
    ],
)
def test_a_paraphrase_loses_its_marks(text: str, line_refs: str, kept: str):
    assert checked(text, line_refs)[0] == Point(kept, line_refs)


@pytest.mark.parametrize(
    ("text", "line_refs"),
    [
        ('The agent said "go away and never come here again".', "L5"),
        ('The agent said "go away and never come here again".', ""),
        ('The agent said "go away".', "L5"),
        ("It called `delete_account` next.", "L9"),
        ('The user asked about "order 99999".', "L7"),
        ('The user wrote "I want my money back", the agent "certainly, it is on its way".', "L7"),
    ],
)
def test_words_that_nobody_said_take_their_point_with_them(text: str, line_refs: str):
    assert checked(text, line_refs)[0] is None


def test_references_of_dropped_points_count():
    points = (Point('Said "violets whisper at midnight".', "L5, L99"), Point("Asked.", "L6"))
    summary, references_given, references_valid = verified(Summary("t", "d", points[:1], points[1:]), TEXT)
    assert (summary.bullets, summary.notes) == ((), points[1:])
    assert (references_given, references_valid) == (3, 2)


def test_a_title_keeps_only_quotes_that_were_said():
    assert verified(Summary('"No refund" for the "bravest knight"', "d", (), ()), TEXT)[0].title == (
        '"No refund" for the bravest knight'
    )


def test_lines_that_were_left_out_cannot_be_cited():
    lines = [f"L{n}: line number {n} of many" for n in range(1, 1001)]
    sampled = fitted(lambda: iter(lines), header=3, max_chars=4000)
    shown = [n for n in range(1, 1001) if f"L{n}: " in sampled.text]
    left_out = next(n for n in range(4, 1001) if n not in shown)
    assert checked("Something.", f"L{shown[9]}", sampled)[1:] == (1, 1)
    assert checked("Something.", f"L{left_out}", sampled) == (Point("Something.", ""), 1, 0)
    between = [n for n in shown if left_out <= n <= left_out + 100]
    assert checked("Something.", f"L{left_out}-{left_out + 100}", sampled)[0] == (
        Point("Something.", written([(between[0], between[-1])]))
    )
    # gaps inside are no fault: both ends were seen
    assert checked("Something.", f"L{shown[5]}-{shown[9]}", sampled)[1:] == (1, 1)
    assert checked(f'It says "line number {shown[-1]} of many".', "L1", sampled)[0] == (
        Point(f'It says "line number {shown[-1]} of many".', f"L{shown[-1]}")
    )


def test_quotes_of_a_rendered_trace_are_found_across_its_lines():
    asked = 'My printer\nprints `nothing` at all;\tit says "PC LOAD LETTER" — what’s that?'
    text = rendered(
        [generation("g", [{"role": "user", "content": asked}], [{"role": "assistant", "content": "Paper."}])]
    )
    for span in ("My printer prints nothing at all", "it says 'PC LOAD LETTER'", "what's that?"):
        point, _, _ = checked(f"The user: “{span}”", "", text)
        assert point is not None
        assert quotes(point.text)


SOME = ("refund", "order", "agent", "never", "again", "48213", "get_order", "said", "no", "the", "it's")
WORDS = st.lists(st.sampled_from(SOME), min_size=1)
SPANS = WORDS.map(" ".join)
MARKS = st.sampled_from(['"{}"', "“{}”", "`{}`", "'{}'", "{}", "L{}", '"{}', "{} (L3)"])
TEXTS = st.lists(st.builds(str.format, MARKS, SPANS), min_size=1, max_size=5).map(" ".join) | st.text(max_size=60)
REFERENCES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda p: (min(p), max(p))), max_size=4)


@given(st.lists(SPANS | st.text(max_size=30), max_size=20), st.lists(st.tuples(TEXTS, REFERENCES), max_size=5))
@unhurried
def test_whatever_is_given_what_comes_back_holds(said: list[str], given_: list[tuple[str, list[tuple[int, int]]]]):
    rows = [" ".join(row.split("\n")) for row in said]
    text = Sampled("\n".join(f"L{n}: {row}" for n, row in enumerate(rows, 1)), len(rows), len(rows))
    points = tuple(Point(each, written(refs)) for each, refs in given_)
    summary, references_given, references_valid = verified(Summary("t", "d", points, ()), text)
    lines = Lines(text)
    assert references_given == sum(len(parse(point.line_refs)) for point in points)
    assert 0 <= references_valid <= references_given
    for point in summary.bullets:
        assert all(1 <= first <= last <= len(rows) for first, last in parse(point.line_refs))
        assert all(next(lines.places(quote.parts), None) for quote in quotes(point.text))
    again, once_more, held = verified(summary, text)
    assert [point.text for point in again.bullets] == [point.text for point in summary.bullets]
    assert once_more == held or again != summary


@given(st.lists(SPANS.filter(lambda span: len(span) > 20), min_size=1, max_size=20), st.data())
@unhurried
def test_true_quotes_with_true_references_are_never_touched(said: list[str], data: st.DataObject):
    text = Sampled("\n".join(f"L{n}:   │ {row}" for n, row in enumerate(said, 1)), len(said), len(said))
    at = data.draw(st.integers(0, len(said) - 1))
    start = data.draw(st.integers(0, len(said[at].split()) - 1))
    span = " ".join(said[at].split()[start:]).replace("it's", "that")
    point = Point(f"The user wrote “{span}” here.", f"L{at + 1}")
    if span in said[at]:
        assert verified(Summary("t", "d", (point,), ()), text) == (Summary("t", "d", (point,), ()), 1, 1)
