"""From settings to an endpoint and prices: keys from the environment alone, errors that name the variable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from llma.llm.client import LLMClient
from llma.llm.endpoint import endpoint_of, variables
from llma.llm.presets import PRESETS
from llma.llm.prices import FREE, Price, price_list
from llma.settings import Settings, SettingsError
from llma.store.base import Store


def settings(**changed: Any) -> Settings:
    return Settings(**changed)


@pytest.mark.parametrize("provider", ["openai", "groq", "anthropic", "nebius"])
def test_each_provider_has_its_key_variable(provider: str):
    variable = f"{provider.upper()}_API_KEY"
    endpoint = endpoint_of(settings(llm_provider=provider), {variable: "secret"})
    assert endpoint.key.get_secret_value() == "secret"
    assert endpoint.base_url == PRESETS[provider].base_url
    with pytest.raises(SettingsError, match=f"LLMA_LLM_API_KEY or {variable}"):
        endpoint_of(settings(llm_provider=provider), {"OTHER_API_KEY": "secret"})


def test_the_setting_s_own_key_and_address_come_first():
    own = settings(llm_api_key=SecretStr("own"), llm_base_url="http://proxy.example/v1/")
    endpoint = endpoint_of(own, {"OPENAI_API_KEY": "other"})
    assert (endpoint.key.get_secret_value(), endpoint.base_url) == ("own", "http://proxy.example/v1")


@pytest.mark.parametrize("provider", ["ollama", "vllm"])
def test_a_server_of_one_s_own_needs_no_key(provider: str):
    assert endpoint_of(settings(llm_provider=provider), {}).base_url.startswith("http://localhost")


def test_no_key_is_in_a_repr():
    assert "canary" not in repr(endpoint_of(settings(), {"OPENAI_API_KEY": "canary"}))


def test_the_env_file_gives_keys_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / ".env"
    file.write_text("GROQ_API_KEY=file\nNEBIUS_API_KEY=file\n")
    monkeypatch.setenv("NEBIUS_API_KEY", "environment")
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    found = variables(file)
    assert (found["GROQ_API_KEY"], found["NEBIUS_API_KEY"]) == ("file", "environment")


def test_a_client_takes_its_limits_from_the_settings(store: Store):
    client = LLMClient.from_settings(settings(llm_provider="ollama", llm_concurrency=3), store)
    client.check("any")
    assert client.concurrency == 3


def test_prices_of_dated_models_and_of_none():
    prices = price_list()
    nano = prices.of(PRESETS["openai"], "gpt-4.1-nano")
    assert nano == Price(0.1, 0.4, 0.025)
    assert prices.of(PRESETS["openai"], "gpt-4.1-nano-2025-04-14") == nano
    assert prices.of(PRESETS["anthropic"], "claude-haiku-4-5-20251001") == Price(1, 5, 1)
    assert prices.of(PRESETS["openai"], "gpt-4.1-nano-like") is None
    assert prices.of(PRESETS["groq"], "gpt-4.1-nano") is None
    assert prices.of(PRESETS["vllm"], "anything") == FREE


def test_the_user_s_prices_override(tmp_path: Path):
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"gpt-4.1-nano": {"input": 7, "output": 8}, "mine": {"input": 1, "output": 2}}))
    prices = price_list(str(file))
    assert prices.of(PRESETS["openai"], "gpt-4.1-nano") == Price(7, 8, 7)
    assert prices.of(PRESETS["vllm"], "mine") == Price(1, 2, 1)
    assert prices.of(PRESETS["openai"], "gpt-4o") is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"m": 1}',
        '{"m": {"input": 1}}',
        '{"m": {"input": -1, "output": 1}}',
        '{"m": {"input": "x", "output": 1}}',
    ],
)
def test_unusable_prices_are_an_error_that_names_the_variable(text: str, tmp_path: Path):
    file = tmp_path / "prices.json"
    file.write_text(text)
    with pytest.raises(SettingsError, match="LLMA_LLM_PRICES"):
        price_list(str(file))
    with pytest.raises(SettingsError, match="LLMA_LLM_PRICES"):
        price_list(str(tmp_path / "none.json"))


def test_prices_are_dated():
    said = json.loads((Path(__file__).parents[2] / "llma" / "llm" / "prices.json").read_text())
    assert said["date"] >= "2026-11-21"
    assert set(said["usd_per_million_tokens"]) <= set(PRESETS)
