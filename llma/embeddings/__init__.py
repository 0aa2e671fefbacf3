"""Texts to vectors, summaries to documents with a vector, and the search for traces by meaning."""
