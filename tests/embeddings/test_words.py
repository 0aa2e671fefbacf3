from hypothesis import given
from hypothesis import strategies as st

from llma.embeddings.words import fits, fused

TEXT = st.text("abc #1é", max_size=20)


def test_rare_words_count_more_than_common_ones():
    same, rare, none = fits("order w123", ["the order", "w123 came", "order order"][:2] + ["nothing"])
    assert rare == same > none == 0
    common, rare = fits("order w123", ["order", "w123 order"])
    assert rare > common


def test_words_move_a_document_up_and_no_words_change_nothing():
    assert fused([0, 0, 0]) == [0, 1, 2]
    assert fused([0, 0, 5.0]) == [2, 0, 1]
    assert fused([1.0, 0, 5.0]) == [0, 2, 1]
    assert fused([]) == []


@given(TEXT, st.lists(TEXT, max_size=8))
def test_every_document_has_a_place(question, documents):
    scores = fits(question, documents)
    assert len(scores) == len(documents)
    assert all(score >= 0 for score in scores)
    assert sorted(fused(scores)) == list(range(len(documents)))
    assert fits(question, documents) == scores
