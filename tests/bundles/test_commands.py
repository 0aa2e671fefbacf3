"""``llma models`` as a person uses it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from llma.inference.bundle import load_bundle
from llma.settings import settings
from tests.bundles.conftest import CATALOGUED
from tests.commands import Commands, Done, log_as_before
from tests.fixtures.bundles import tiny_copy


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose .env is the test's own."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.setattr("llma.settings.checkout", lambda: folder)
    monkeypatch.setattr("llma.cli.bundles.checkout", lambda: folder)
    return folder


@pytest.fixture
def llma(checkout, monkeypatch, capsys) -> Iterator[Callable[..., Done]]:
    monkeypatch.setenv("COLUMNS", "200")

    with log_as_before():
        yield partial(Commands(monkeypatch, capsys), "models")


def test_three_commands_choose_a_model(hub, llma, checkout):
    pulled = llma("pull", CATALOGUED)
    assert pulled.code == 0, pulled.err
    assert "licence Apache-2.0" in pulled.out
    assert "mind: learnt from another model's answers" in pulled.out
    assert llma("verify", CATALOGUED).code == 0
    used = llma("use", CATALOGUED)
    assert used.code == 0
    assert "those stay with minilm-chat" in used.out
    assert (checkout / ".env").read_text() == f"LLMA_SENTIMENT_BUNDLE={CATALOGUED}\n"
    assert settings().sentiment_bundle == CATALOGUED
    assert "already in" in llma("pull", CATALOGUED).out


def test_the_default_is_pulled_where_nothing_is_named(hub, llma):
    done = llma("pull")
    assert done.code == 1
    assert "Xenova/twitter-roberta-base-sentiment-latest" in done.err


def test_any_repository_is_pulled_under_a_name(hub, llma):
    done = llma("pull", "owner/dynamic@main", "--name", "mine", "--normalization", "tweet", "--languages", "en, de")
    assert done.code == 0, done.err
    assert "mind: not pinned: main was commit" in done.out
    bundle = load_bundle("mine")
    assert (bundle.name, bundle.normalization, bundle.batching) == ("mine", "tweet", "single")
    assert llma("pull", "owner/tiny").code == 0
    assert load_bundle("tiny").name == "tiny"


def test_labels_are_said_on_the_command_line(hub, llma):
    hub.repositories["owner/tiny"]["config.json"] = b'{"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}}'
    refused = llma("pull", "owner/tiny")
    assert refused.code == 1
    assert "--labels 'LABEL_0=negative," in refused.err
    done = llma("pull", "owner/tiny", "--labels", "LABEL_0=positive,LABEL_1=neutral,LABEL_2=negative")
    assert done.code == 0, done.err
    assert load_bundle("tiny").heads["sentiment"].labels == ("positive", "neutral", "negative")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no-such-name"], "neither a name of the catalog (twitter-roberta"),
        (["a/b/c"], "OWNER/REPO"),
        (["owner/tiny", "--labels", "LABEL_0"], "is not LABEL=OURS"),
        (["owner/tiny", "--languages", "English"], "ISO 639-1"),
        (["sst2", "--file", "onnx/model.onnx"], "--name"),
    ],
)
def test_what_cannot_be_understood_is_refused(llma, arguments, told):
    done = llma("pull", *arguments)
    assert done.code == 2
    assert told in done.err


def test_offline_a_pull_fails_at_once_with_the_command(hub, llma, monkeypatch):
    monkeypatch.setenv("LLMA_OFFLINE", "1")
    done = llma("pull", "owner/tiny")
    assert done.code == 1
    assert "LLMA_OFFLINE=0 llma models pull" in done.err
    assert hub.seen == []


def test_the_list_tells_what_is_here_what_could_be_and_what_is_chosen(hub, llma):
    llma("pull", CATALOGUED)
    llma("use", CATALOGUED)
    rows = {row["name"]: row for row in json.loads(llma("list", "--json").out)}
    assert rows["minilm-chat"]["where"] == "embedded"
    assert rows["minilm-chat"]["chosen"] == ["emotion"]
    assert rows[CATALOGUED]["where"] == "pulled"
    assert rows[CATALOGUED]["chosen"] == ["sentiment"]
    assert rows[CATALOGUED]["verified"] == "ok"
    assert rows[CATALOGUED]["heads"] == ["sentiment"]
    assert rows[CATALOGUED]["licence"] == "Apache-2.0"
    assert rows[CATALOGUED]["megabytes"] == pytest.approx(3.0, abs=0.1)
    assert rows["emotion-distilroberta"]["where"] == "hub"
    assert rows["emotion-distilroberta"]["licence"] == "undeclared"
    told = llma("list").out
    assert CATALOGUED in told
    assert "declares no licence" in told


def test_a_damaged_bundle_is_told(hub, cache, llma):
    llma("pull", "owner/tiny")
    with (cache.folder("tiny") / "model.onnx").open("ab") as file:
        file.write(b"more")
    (row,) = [row for row in json.loads(llma("list", "--json").out) if row["name"] == "tiny"]
    assert row["verified"] == "damaged"
    done = llma("verify")
    assert done.code == 1
    assert "tiny files: FAILED" in done.out
    assert "minilm-chat neighbours: ok" in done.out
    assert "tiny; `llma models pull NAME --force`" in done.err
    checks = json.loads(llma("verify", "tiny", "--json").out)["tiny"]
    assert [check["ok"] for check in checks] == [False]
    assert llma("pull", "owner/tiny", "--force").code == 0
    assert llma("verify", "tiny").code == 0


def test_verify_of_nothing_that_is_there_is_an_error(llma):
    done = llma("verify", "no-such-bundle")
    assert done.code == 1
    assert "no bundle 'no-such-bundle'" in done.err


def test_use_keeps_every_other_line(hub, llma, checkout):
    llma("pull", "owner/feelings")
    env = checkout / ".env"
    env.write_text("# mine\nLLMA_LOG_LEVEL=INFO\nexport LLMA_EMOTION_BUNDLE=old\n\nSECRET='a b'")
    env.chmod(0o640)
    assert llma("use", "feelings", "--for", "emotion").code == 0
    assert env.read_text() == "# mine\nLLMA_LOG_LEVEL=INFO\nLLMA_EMOTION_BUNDLE=feelings\n\nSECRET='a b'"
    assert env.stat().st_mode & 0o777 == 0o640
    assert llma("use", "minilm-chat").code == 0
    assert env.read_text().endswith("\nSECRET='a b'\nLLMA_SENTIMENT_BUNDLE=minilm-chat\n")
    assert "LLMA_EMOTION_BUNDLE=minilm-chat\n" in env.read_text()
    assert [path.name for path in checkout.iterdir()] == [".env"]


@pytest.mark.parametrize(("name", "for_"), [("tiny", "emotion"), ("tiny", "both"), ("feelings", "sentiment")])
def test_use_refuses_a_bundle_that_lacks_the_head(hub, llma, checkout, name, for_):
    llma("pull", f"owner/{name}")
    done = llma("use", name, "--for", for_)
    assert done.code == 2
    assert f"{name} has no " in done.err
    assert not (checkout / ".env").exists()


def test_use_writes_a_folder_as_an_absolute_path(llma, checkout, tmp_path, monkeypatch):
    tiny_copy(tmp_path / "my models")
    monkeypatch.chdir(tmp_path)
    assert llma("use", "my models").code == 0
    assert settings().sentiment_bundle == str(tmp_path / "my models")
    assert settings().emotion_bundle == str(tmp_path / "my models")


def test_use_says_when_the_environment_wins(llma, monkeypatch):
    monkeypatch.setenv("LLMA_SENTIMENT_BUNDLE", "other")
    assert "LLMA_SENTIMENT_BUNDLE=other, which wins" in llma("use", "minilm-chat").out


def test_a_new_env_file_is_its_owners_only(llma, checkout):
    llma("use", "minilm-chat")
    assert (checkout / ".env").stat().st_mode & 0o077 == 0


def test_the_command_line_imports_nothing_of_the_hub_for_others():
    program = """
import sys
assert not [name for name in sys.modules if name.startswith("llma.bundles") or name in ("urllib.request", "rich")]
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
