"""What can go wrong with a model as a whole. What goes wrong with one text is no exception but a status and a reason."""

from __future__ import annotations


class ModelError(RuntimeError):
    """A model cannot be used; the message names it and the remedy."""


class BundleError(ModelError):
    """A bundle's folder is missing, incomplete, or not what its ``bundle.json`` says."""
