"""llma: events of LLM applications in, sentiment and summaries out, by the hour, each text scored once.

A plain Python library. It knows no orchestrator and no web framework: Dagster (``llma_assets``) decides when, this decides what.
"""
