"""Calls to language models of providers: one client, bounded in money, time and concurrency, and nothing asked twice."""
