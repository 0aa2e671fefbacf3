"""Training measures with these functions, and cuts labels by the product's rule."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from llma.sentiment.labels import NEUTRAL, SENTIMENTS, decide
from training.measure import figures, predicted

ROOT = Path(__file__).resolve().parents[2]


def test_measuring_needs_no_torch():
    program = "import sys; sys.modules['torch'] = None; import training.evaluate, training.measure"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


@given(st.lists(st.integers(1, 50), min_size=3, max_size=3), st.sampled_from([0.0, 0.02, 0.15, 0.3]))
def test_a_margin_cuts_as_in_the_product(weights, margin):
    probabilities = np.array([weights]) / sum(weights)
    label, _ = decide(dict(zip(SENTIMENTS, probabilities[0], strict=True)), margin)
    assert SENTIMENTS[predicted(probabilities, SENTIMENTS.index(NEUTRAL), margin)[0]] == label


def test_figures_are_those_of_the_labels_with_the_margin():
    probabilities = np.array([[0.5, 0.45, 0.05], [0.1, 0.2, 0.7]])
    truth = np.array([1, 2])
    assert figures(truth, probabilities, SENTIMENTS)["accuracy"] == 0.5
    with_margin = figures(truth, probabilities, SENTIMENTS, 0.1)
    assert with_margin["accuracy"] == 1
    assert with_margin["ece"] == figures(truth, probabilities, SENTIMENTS)["ece"]
