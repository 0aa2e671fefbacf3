"""Reading labelled files: both formats, and an error with file and line for whatever cannot be used."""

import gzip
import json

import pytest

from llma.cli.errors import UNUSABLE, run_command
from llma.evaluation.labelled import LabelsError, read_labelled
from llma.ingest.lines import InputError

KNOWN = {"sentiment": ("negative", "neutral", "positive"), "emotion": ("anger", "joy", "neutral")}
TSV = 'text\tlabel\tsource\nI love it\tpositive\ta\nan "open quote\tneutral\tb\n'
CANARY = "canary text of a person that nobody may read"


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes, name: str = "labels") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def test_a_tsv_is_read_by_its_header_without_quoting(file):
    found = read_labelled(file(TSV, "some.tsv"), KNOWN)
    assert found.name == "some.tsv"
    assert found.texts == ("I love it", 'an "open quote')
    assert found.labels == {"sentiment": ("positive", "neutral")}


def test_columns_may_stand_in_any_order_and_may_be_named_by_head(file):
    found = read_labelled(file("emotion\ttext\tsentiment\njoy\thi\t\n\tho\tneutral\n"), KNOWN)
    assert found.texts == ("hi", "ho")
    assert found.labels == {"sentiment": (None, "neutral"), "emotion": ("joy", None)}


@pytest.mark.parametrize(
    "change", [gzip.compress, lambda data: data.replace(b"\n", b"\r\n"), lambda data: b"\xef\xbb\xbf" + data]
)
def test_gzip_crlf_and_a_byte_order_mark_change_nothing(file, change):
    assert read_labelled(file(change(TSV.encode())), KNOWN) == read_labelled(file(TSV), KNOWN)


def test_json_lines_with_null_where_annotators_differ(file):
    rows = [
        {"text": "yes\nplease", "sentiment": "neutral", "emotion": None, "annotators": [{}]},
        {"text": "wow", "sentiment": None, "emotion": "joy"},
    ]
    found = read_labelled(file("\n\n".join(map(json.dumps, rows))), KNOWN)
    assert found.texts == ("yes\nplease", "wow")
    assert found.labels == {"sentiment": ("neutral", None), "emotion": (None, "joy")}


def test_labels_tell_which_head_a_file_is_about(file):
    emotion = "text\tlabel\na\tneutral\nb\tjoy\n"
    assert read_labelled(file(emotion), KNOWN).labels == {"emotion": ("neutral", "joy")}
    neutral_only = "text\tlabel\na\tneutral\n"
    assert list(read_labelled(file(neutral_only), KNOWN).labels) == ["sentiment"]


def test_a_column_of_a_head_that_the_model_has_not_is_left_out(file):
    only_sentiment = {"sentiment": KNOWN["sentiment"]}
    path = file('{"text": "a", "sentiment": "neutral", "emotion": "awe"}')
    assert read_labelled(path, only_sentiment).labels == {"sentiment": ("neutral",)}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("text\tsource\na\tb\n", "line 1: the header must name the columns 'text' and 'label'"),
        ("label\nneutral\n", "line 1: the header must name the columns 'text' and 'label'"),
        ("text\tlabel\n", "no row with a label"),
        ("text\tlabel\na\tneutral\nb\n", "line 3: 1 columns, the header has 2"),
        ("text\tlabel\na\tneutral\nb\tc\td\n", "line 3: 3 columns, the header has 2"),
        ("text\tlabel\na\tneutral\nb\tbored\n", "line 3: label 'bored' is not one of the model's (sentiment: negative"),
        ("text\tlabel\na\tjoy\nb\tpositive\n", "line 3: label 'positive' is not one of the model's (emotion: anger"),
        ('{"text": "a", "label": "neutral"}\n{broken', "line 2: not JSON"),
        ('{"text": "a", "label": "neutral"}\n[1]', "line 2: it must be an object with a string 'text'"),
        ('{"label": "neutral"}', "line 1: it must be an object with a string 'text'"),
        ('{"text": "a"}', "line 1: it must have 'label', 'sentiment' or 'emotion'"),
        ('{"text": "a", "label": 1}', "line 1: 'label' must be a string or null"),
        ('{"text": "a", "label": null}', "no row with a label"),
        ('{"text": "a", "label": "neutral", "sentiment": "neutral"}', "two columns for sentiment"),
        (b"text\tlabel\n\xff\tneutral\n", "line 2: not UTF-8"),
        (gzip.compress(TSV.encode(), mtime=0)[:-9], "truncated file"),
    ],
)
def test_what_cannot_be_used_is_an_error_that_names_the_line(file, content, told):
    path = file(content)
    with pytest.raises(LabelsError) as error:
        read_labelled(path, KNOWN)
    assert path in str(error.value)
    assert told in str(error.value)


def test_a_missing_file_is_an_input_error_with_the_exit_code_of_unusable_input(tmp_path):
    path = str(tmp_path / "nowhere.tsv")
    with pytest.raises(InputError, match="nowhere"):
        read_labelled(path, KNOWN)
    assert run_command(lambda: read_labelled(path, KNOWN)) == UNUSABLE


@pytest.mark.parametrize(
    "content",
    [
        f"text\tlabel\nneutral\t{CANARY}\n",
        f"text\tlabel\nneutral\tneutral\t{CANARY}\n",
        f'{{"text": "a", "label": "{CANARY}"}}',
        f'{{"text": "{CANARY}", "label": 7}}',
        f'{{"text": "{CANARY}"',
    ],
)
def test_no_error_quotes_a_text(file, content):
    with pytest.raises(LabelsError) as error:
        read_labelled(file(content), KNOWN)
    assert "canary" not in str(error.value)
    assert error.value.__cause__ is None
