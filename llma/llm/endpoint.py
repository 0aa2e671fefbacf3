"""Where calls go, and with which key. The key comes from the environment, and is in no repr."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr

from llma.llm.presets import PRESETS, Preset
from llma.settings import Settings, SettingsError, checkout

# What a server of one's own is given where it wants none: the package refuses to send no key.
_NO_KEY = SecretStr("none")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider's preset, the address that is used, and its key."""

    preset: Preset
    base_url: str
    key: SecretStr


def endpoint_of(settings: Settings, environment: Mapping[str, str | None] | None = None) -> Endpoint:
    """The endpoint of the settings; ``environment``: where the providers' own key variables are, default as ``variables``.

    Raises SettingsError where the provider needs a key and there is none.
    """
    preset = PRESETS[settings.llm_provider]
    base_url = (settings.llm_base_url or preset.base_url).rstrip("/")
    if settings.llm_api_key is not None:
        return Endpoint(preset, base_url, settings.llm_api_key)
    if preset.key_variable is None:
        return Endpoint(preset, base_url, _NO_KEY)
    key = (variables() if environment is None else environment).get(preset.key_variable)
    if not key:
        raise SettingsError(
            f"no key for the provider {preset.name}: set LLMA_LLM_API_KEY or {preset.key_variable} in the environment or in "
            ".env; for a server of your own that needs none set LLMA_LLM_PROVIDER=vllm or ollama"
        )
    return Endpoint(preset, base_url, SecretStr(key))


def variables(file: Path | None = None) -> dict[str, str | None]:
    """The environment over the checkout's ``.env`` file, as the settings have it."""
    return {**dotenv_values(file or checkout() / ".env"), **os.environ}
