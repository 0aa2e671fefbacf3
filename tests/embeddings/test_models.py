"""A bundle of vectors among the others: listed, chosen."""

from llma.bundles.cache import Cache
from llma.bundles.listing import listed
from llma.cli.bundles import use_model


def test_it_is_listed_with_what_it_gives(tmp_path):
    rows = listed(Cache(tmp_path), {"sentiment": "minilm-chat", "emotion": "", "embedding": "minilm-embed"})
    row = next(row for row in rows if row.name == "minilm-embed")
    assert (row.where, row.heads, row.chosen, row.licence) == ("embedded", ("embedding",), ("embedding",), "Apache-2.0")


def test_it_is_chosen_for_vectors(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("llma.cli.bundles.checkout", lambda: tmp_path)
    use_model("minilm-embed", None)
    assert (tmp_path / ".env").read_text().strip() == "LLMA_EMBEDDING_BUNDLE=minilm-embed"
    assert "vectors of another model" in capsys.readouterr().out
