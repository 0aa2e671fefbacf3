"""How right a model is on labelled texts: figures, comparisons, a model card."""
