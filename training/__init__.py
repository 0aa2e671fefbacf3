"""How the embedded bundle `minilm-chat` is made: read data, fine-tune, calibrate, export, measure.

Nothing here is imported by the running product, and importing this package imports no torch: each module brings in
what it needs (see requirements.txt, an environment of its own).
"""
