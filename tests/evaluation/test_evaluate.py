"""``llma models evaluate`` on the tiny model: what it prints, the card, the plot, exit codes."""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from llma.cli.errors import FAILED, UNUSABLE, run_command
from llma.cli.evaluate import evaluate_files
from llma.evaluation.metrics import reliability
from llma.evaluation.reliability import NoPlotError, save_plot, text_plot
from tests.fixtures.bundles import TINY, tiny_copy

ROWS = "love\tpositive\nhate\tnegative\nplease\tneutral\nhate hate\tneutral\nlove love\tneutral\nnan\tneutral\n"
CHAT = [
    {"text": "great", "sentiment": "positive", "emotion": "joy"},
    {"text": "terrible", "sentiment": None, "emotion": "anger"},
    {"text": "please", "sentiment": "neutral", "emotion": None},
]


@pytest.fixture
def files(tmp_path) -> list[str]:
    tsv, chat = tmp_path / "rows.tsv", tmp_path / "chat.jsonl"
    tsv.write_text("text\tlabel\n" + ROWS)
    chat.write_text("\n".join(map(json.dumps, CHAT)))
    return [str(tsv), str(chat)]


@pytest.fixture
def evaluate(files, capsys, monkeypatch):
    """The command as the command line calls it: exit code, standard output, standard error."""
    monkeypatch.setenv("LLMA_SENTIMENT_BUNDLE", str(TINY))
    monkeypatch.setenv("LLMA_EMOTION_BUNDLE", str(TINY))

    def call(paths=files, **options):
        code = run_command(lambda: evaluate_files(paths, **options))
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_it_prints_figures_per_file_and_head(evaluate):
    code, out, _ = evaluate()
    assert code == 0
    assert "| rows.tsv   | sentiment | 6    | 0.500" in out
    assert "## chat.jsonl: emotion" in out
    assert "| neutral  | 1        | 1       | 1        | 1          |" in out
    assert "Neutral called other 50.0 %, negative 25.0 %, positive 25.0 %." in out
    assert "Not scored: model_error 1." in out
    assert "No row is neutral, which counts 0. Macro F1 of the others: 1.000." in out
    assert "largest difference of a probability 0.000000, other labels 0" in out


def test_json_has_all_figures_and_no_text(evaluate):
    code, out, _ = evaluate(json=True)
    assert code == 0
    found = json.loads(out)
    (rows, chat, emotion) = found["results"]
    assert (rows["file"], rows["head"], rows["rows"]) == ("rows.tsv", "sentiment", 6)
    assert rows["confusion"]["table"] == [[1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 0]]
    assert rows["classes"]["neutral"] == {"rows": 4, "precision": 1, "recall": 0.25, "f1": 0.4}
    assert rows["unscored"] == {"model_error": 1}
    assert sum(each["count"] for each in rows["reliability"]) == 5
    assert (chat["rows"], emotion["rows"]) == (2, 2)
    assert found["batch_invariance"] == {"texts": 8, "largest": 0, "changed": 0, "holds": True}
    assert [each["file"] for each in found["speed"]] == ["rows.tsv", "chat.jsonl"]
    assert found["against"] is None
    assert not [text for text in ("hate hate", "terrible", "love love") if text in out]


def test_the_card_says_what_was_measured_and_how(evaluate, tmp_path):
    card = tmp_path / "tiny.md"
    evaluate(card=card, bundle=str(TINY))
    told = card.read_text(encoding="utf-8")
    assert told.startswith(
        "# Model card: tiny\n\nWritten by `llma models evaluate rows.tsv chat.jsonl --bundle tiny-bundle`."
    )
    assert str(tmp_path) not in told  # a card is published: nothing of this machine's folders
    described = json.loads((TINY / "bundle.json").read_text())
    for sha256 in described["files"].values():
        assert sha256 in told
    for said in (
        "negative, neutral, positive; temperature 2",
        "| longest input",
        "| licence ",
        "counts as wrong in accuracy, recall and F1",
        "15 bins",
        "## rows.tsv: sentiment",
        "## Batch invariance",
        "## Speed",
        "absolute times say nothing about another",
    ):
        assert said in told
    assert "![" not in told
    assert not [text for text in ("hate hate", "terrible", "love love") if text in told]


def test_the_card_tells_what_the_bundle_says_of_itself(evaluate, tmp_path):
    data = [{"name": "tweets | posts", "rows": 3, "licence": "MIT"}]
    changes = {
        "training": {"data": data},
        "notes": ["It fails on puns."],
        "languages": ["en"],
        "source": {"repository": "a/b"},
    }
    bundle = tiny_copy(tmp_path / "told", None, **changes)
    evaluate(bundle=str(bundle), card=tmp_path / "card.md")
    told = (tmp_path / "card.md").read_text()
    assert "| tweets \\| posts | 3 " in told
    assert "- It fails on puns." in told
    assert "| made from " in told
    assert "a/b" in told


def test_against_another_bundle_both_are_measured(evaluate, tmp_path):
    other = tiny_copy(tmp_path / "other", None, neutral_margin=0.99)
    code, out, _ = evaluate(against=str(other), json=True)
    assert code == 0
    found = json.loads(out)
    assert found["against"].startswith("tiny-1+")
    (rows, _, emotion) = found["comparisons"]
    assert (rows["agreement"], rows["largest"]) == (pytest.approx(2 / 6, abs=1e-4), 0)
    assert rows["differences"]["accuracy"] == pytest.approx(0, abs=1e-4)  # two fewer polar right, two more neutral
    assert emotion["agreement"] == 1
    assert "same label" in evaluate(against=str(other))[1]


def test_a_head_that_the_other_has_not_is_not_compared(evaluate, tmp_path):
    heads = {"sentiment": {"output": "sentiment_logits", "labels": ["negative", "neutral", "positive"]}}
    other = tiny_copy(tmp_path / "other", None, heads=heads)
    _, out, _ = evaluate(against=str(other))
    assert "Not compared, since its labels are others: emotion." in out


def test_scores_that_depend_on_their_neighbours_fail_the_command_after_the_card(evaluate, tmp_path, monkeypatch):
    from llma.evaluation import report
    from llma.evaluation.invariance import Invariance

    monkeypatch.setattr(report, "invariance", lambda classify, texts: Invariance(8, 0.01, 1))
    code, out, err = evaluate(card=tmp_path / "card.md")
    assert code == FAILED
    assert "depend on their neighbours" in err
    assert "**Scores depend on their neighbours**" in out
    assert "**Scores depend on their neighbours**" in (tmp_path / "card.md").read_text()


def test_unusable_input_and_places_are_told(evaluate, tmp_path):
    code, _, err = evaluate([str(tmp_path / "nowhere.tsv")])
    assert code == UNUSABLE
    assert "nowhere.tsv" in err
    code, _, err = evaluate(bundle="no-such-bundle")
    assert code == FAILED
    assert "no-such-bundle" in err
    code, _, err = evaluate(card=tmp_path / "no" / "folder" / "card.md")
    assert code == FAILED
    assert "cannot write" in err


def test_without_matplotlib_it_says_how_to_get_the_plot(evaluate, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    card, plot = tmp_path / "card.md", tmp_path / "card.png"
    code, out, err = evaluate(card=card, plot=plot)
    assert code == 0
    assert "llma[evaluate]" in err
    assert not plot.exists()
    assert "![" not in card.read_text()
    assert "probability  answers" in out


def test_the_plot_is_a_small_png_that_the_card_links_to(evaluate, tmp_path):
    pytest.importorskip("matplotlib")
    card, plot = tmp_path / "cards" / "tiny.md", tmp_path / "plots" / "tiny.png"
    card.parent.mkdir()
    plot.parent.mkdir()
    assert evaluate(card=card, plot=plot)[0] == 0
    assert _size(plot) > (300, 300)
    assert plot.stat().st_size < 60_000
    assert "](../plots/tiny.png)" in card.read_text()
    again = tmp_path / "again.png"
    evaluate(plot=again)
    assert again.read_bytes() == plot.read_bytes()
    code, _, err = evaluate(plot=tmp_path / "no" / "folder.png")
    assert code == FAILED
    assert "cannot write" in err


def test_the_text_plot_has_a_line_for_each_bin_with_answers():
    found = reliability(np.array([0, 1, 0]), np.array([[0.55, 0.45], [0.58, 0.42], [1.0, 0.0]]))
    heading, middle, last = text_plot(found).splitlines()
    assert heading.split() == ["probability", "answers", "says", "right", "0", "1"]
    assert middle == "0.53 - 0.60         2  0.565  0.500  " + "█" * 20 + "···|" + "·" * 16
    assert last.endswith("█" * 39 + "|")


def test_a_plot_without_matplotlib_is_an_error_of_ours(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(NoPlotError, match="matplotlib"):
        save_plot([], tmp_path / "a.png")


def _size(png: Path) -> tuple[int, int]:
    """Width and height of a PNG, from its header."""
    head = png.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", head[16:24])


def test_it_is_a_command_of_llma_models(files, tmp_path, capsys, monkeypatch):
    from llma.cli.app import app

    card = tmp_path / "card.md"
    monkeypatch.setenv("LLMA_HOME", str(tmp_path / "home"))
    with pytest.raises(SystemExit) as ended:
        app(["models", "evaluate", *files, "--bundle", str(TINY), "--card", str(card), "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["model"] == "tiny"
    assert card.read_text().startswith("# Model card: tiny")
    assert not (tmp_path / "home").exists()
