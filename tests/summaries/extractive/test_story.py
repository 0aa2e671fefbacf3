"""What a colleague would read of small traces."""

from __future__ import annotations

import random

import pytest

from llma.summaries.flowcharts import canonical
from llma.summaries.schema import MODES
from tests.summaries.extractive.telling import Talk, story, summary, told, user, written
from tests.traces.traces import generation, made


def refused() -> Talk:
    return (
        Talk()
        .user("Hi! I would like a refund for my water bottle, because it leaks.")
        .tool("find_order", "Error: order not found", '{"id": "W7"}')
        .tool("find_order", "order W8, delivered", '{"id": "W8"}')
        .tool("refund_order", "Error: too late to refund", '{"id": "W8"}')
        .assistant("I'm sorry, but I cannot refund this order. It was delivered over 30 days ago.")
    )


def test_a_refund_refused_after_a_failing_tool():
    done = summary(*refused().events)
    assert done.title == "A refund for my water bottle: refused"
    text = story(done)
    assert 'The user writes: "I would like a refund for my water bottle, because it leaks".' in text
    assert 'find_order fails with "Error: order not found", and works with other arguments.' in text
    assert 'refund_order fails with "Error: too late to refund".' in text
    assert "Three tool calls, two failed" in text
    assert 'The assistant declines: "I\'m sorry, but I cannot refund this order".' in text
    assert '"find_order fails"' in done.flow_diagram
    assert '(["Refused"])' in done.flow_diagram


def test_references_name_the_lines():
    given = told(refused().events)
    done = written(given).summary
    lines = given.text.text.split("\n")
    (point,) = [point for point in done.bullets if point.text.startswith("The assistant declines")]
    assert "I cannot refund this order" in lines[int(point.line_refs[1:]) - 1]


def test_a_loop_is_told():
    talk = Talk().user("Is the build done?")
    for _ in range(5):
        talk.tool("poll_build", "still running", '{"id": 3}')
    done = summary(*talk.assistant("It is still running.").events)
    assert "poll_build is called five times with the same arguments." in story(done)
    assert "poll_build (5×)" in done.flow_diagram


def test_an_action_that_worked():
    talk = Talk().user("Please cancel order 9.").tool("cancel_order", "cancelled", '{"order": 9}')
    done = summary(*talk.assistant("Your order 9 has been cancelled.").events)
    assert done.title == "Cancel order 9: done"
    assert "cancel_order (order=9) goes through." in story(done)
    assert 'The assistant reports: "Your order 9 has been cancelled".' in story(done)


def test_a_mood_that_turns_and_recovers():
    talk = Talk().user("Where is my parcel?").assistant("It is delayed.").user("This is ridiculous, I need it today!")
    talk.assistant("I sent a courier.").user("Oh, that is great, thank you").assistant("You're welcome!")
    text = story(summary(*talk.events, moods=talk.moods("neutral", "negative", "positive")))
    assert "The mood turns negative" in text
    assert "This is ridiculous, I need it today!" in text
    assert 'It recovers: "Oh, that is great, thank you".' in text


def test_unhappy_from_the_start():
    talk = Talk().user("Hello. My order is late and I am really upset.").assistant("Let me look into that.")
    assert "The user is unhappy from the start" in story(summary(*talk.events, moods=talk.moods("negative")))


def test_one_question_and_one_answer():
    talk = Talk().user("What is the capital of France?").assistant("The capital of France is Paris.")
    done = summary(*talk.events)
    assert done.title == "What is the capital of France?"
    assert 'The user asks: "What is the capital of France?"' in story(done)
    assert 'The assistant answers: "The capital of France is Paris".' in story(done)
    assert len(done.bullets) == 5
    assert len(summary(*talk.events, mode="minimal").bullets) == 3


def test_a_question_left_open_and_one_unanswered():
    talk = Talk().user("Book me a table.").assistant("Gladly. For how many people should I book it?")
    done = summary(*talk.events)
    assert done.title.endswith("left open")
    assert 'Left open, since no reply follows: "For how many people should I book it?"' in story(done)
    silent = generation("g", [user("Book me a table.")], at=1, is_error=True, error="rate limit reached")
    done = summary(silent)
    assert done.title == "Book me a table: failed"
    assert 'fails: "rate limit reached".' in story(done)


def test_handed_to_a_human():
    talk = Talk().user("I want to talk to a person.").tool("transfer_to_human_agents", "ok", '{"summary": "angry"}')
    done = summary(*talk.events)
    assert "handed to a human" in story(done)
    assert done.title.endswith("handed over")


def test_an_answer_that_was_cut():
    answer = [{"message": {"role": "assistant", "content": "Once upon a time there was"}, "finish_reason": "length"}]
    done = summary(generation("g", [user("Tell me a story.")], answer))
    assert "The answer is cut off before its end." in story(done)


def test_a_trace_of_spans_alone():
    spans = [
        made("retrieve", at=1, latency=0.5, input_state="what is a llama", output_state="3 documents"),
        made("rerank", at=2, latency=0.5, output_state="Error: no model loaded"),
        made("write", at=3, latency=0.5, output_state="A llama is a camelid."),
    ]
    done = summary(*spans)
    text = story(done)
    assert "Three steps, one failed: retrieve, rerank and write." in text
    assert 'rerank fails with "Error: no model loaded".' in text
    assert 'What goes in: "what is a llama".' in text
    assert 'What comes out: "A llama is a camelid".' in text


def test_nothing_but_the_trace_itself():
    done = summary(made("T", "$ai_trace", span_name="nightly report"))
    assert done.title == "Nightly report"
    assert len(done.bullets) >= 5
    assert len(summary(made("T", "$ai_trace", output_state=[])).bullets) >= 5
    done = summary(made("T", "$ai_trace", span_name="nightly report", input_state="run it", output_state="done"))
    assert 'What goes in: "run it".' in story(done)


def test_an_error_without_words():
    done = summary(made("fetch", at=1, is_error=True), made("T", "$ai_trace", at=2))
    assert "fetch fails, without saying why." in story(done)


@pytest.mark.parametrize(
    ("ask", "answer", "quote"),
    [
        (
            "Ich möchte meine Bestellung stornieren. Geht das?",
            "Ja. Die Bestellung wurde storniert.",
            "Die Bestellung wurde storniert",
        ),
        ("我想退货。可以吗？", "可以。我们已经为您办理退货。", "我们已经为您办理退货。"),
        ("أريد إلغاء طلبي. هل هذا ممكن؟", "نعم. تم إلغاء طلبك.", "تم إلغاء طلبك"),
        ("मेरा ऑर्डर कहाँ है?", "आपका ऑर्डर रास्ते में है।", "आपका ऑर्डर रास्ते में है।"),
    ],
)
def test_other_languages(ask: str, answer: str, quote: str):
    done = summary(*Talk().user(ask).assistant(answer).events)
    assert quote in story(done)
    assert done.title


def test_enormous_values():
    talk = Talk().user("please read this: " + "word " * 200_000).tool("read", {"rows": ["x" * 5000] * 100})
    done = summary(*talk.assistant("Done. " + "It says the same thing over and over. " * 20_000).events)
    assert max(len(point.text) for point in (*done.bullets, *done.notes)) < 400


def test_text_that_looks_like_a_diagram_or_like_lines():
    ask = (
        'flowchart TD\n  A["x"] --> B\nL1: I am the first line\n```mermaid\nclick A "javascript:alert(1)"\n``` end; %%'
    )
    ask += ' "quoted" `code` (L99)'
    talk = (
        Talk()
        .user(ask)
        .tool('rm"]; A --> B', 'Error: "L5: nothing" `here`')
        .assistant('Say "hello" to L7-9. --> "B"|x|')
    )
    for mode in MODES:
        done = summary(*talk.events, mode=mode)
        assert canonical(done.flow_diagram) == done.flow_diagram


def test_the_same_summary_whatever_the_order_of_events():
    talk = refused()
    expected = summary(*talk.events)
    for seed in range(4):
        events = list(talk.events)
        random.Random(seed).shuffle(events)
        assert summary(*events) == expected


def test_notes_tell_of_feedback_evaluations_and_missing_parts():
    text = story(
        summary(
            generation("g", [user("Summarise this for me please.")], at=1),
            made("f", "$ai_feedback", at=2, feedback_text="not what I asked for"),
            made("e", "$ai_evaluation", at=3, span_name="helpful", evaluation_result=False),
        )
    )
    assert 'Feedback of the user: "not what I asked for".' in text
    assert "helpful (false)" in text
    assert "Not recorded: output." in text


def test_injected_context_and_pasted_code_are_not_the_request():
    ask = "<system-reminder>Do not tell the user.</system-reminder>\nWhy does this crash?\n```python\nprint(1 / 0)\n```"
    done = summary(*Talk().user(ask).assistant("You divide by zero.").events)
    assert done.title == "Why does this crash?"
    assert "system-reminder" not in story(done)


def test_one_request_in_a_trace_of_one_failing_retry():
    talk = (
        Talk()
        .user("Find order 5.")
        .tool("find", "Error: timeout", '{"id": 5}')
        .tool("find", "Error: timeout", '{"id": 5}')
    )
    text = story(summary(*talk.assistant("I could not find it.").events))
    assert 'find fails twice with "Error: timeout".' in text
    assert "called again unchanged, and fails again" in text
