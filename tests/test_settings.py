import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llma.settings import Settings, SettingsError, settings

EXAMPLE = Path(__file__).resolve().parents[1] / ".env.example"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LLMA_{name.upper()}", raising=False)


def test_the_example_lists_every_setting_with_its_default():
    listed = dict(re.findall(r"^# (LLMA_[A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))
    assert set(listed) == {f"LLMA_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        said = listed[f"LLMA_{name.upper()}"]
        if name == "home":
            assert said == ".llma"
        elif isinstance(field.default, datetime):
            assert datetime.fromisoformat(said) == field.default
        elif field.default is None:
            assert said == ""
        elif isinstance(field.default, bool):
            assert said == str(int(field.default))
        else:
            assert type(field.default)(said) == field.default


@pytest.mark.parametrize(
    ("value", "allowed", "refused"),
    [("*", [1, 99], []), ("1, 2", [1, 2], [3]), ("", [], [1]), (" 7 ", [7], [1])],
)
def test_the_allowlist_is_a_star_ids_or_nobody(monkeypatch, value, allowed, refused):
    monkeypatch.setenv("LLMA_ALLOWED_TEAM_IDS", value)
    current = settings()
    assert all(current.allows(team) for team in allowed)
    assert not any(current.allows(team) for team in refused)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLMA_ALLOWED_TEAM_IDS", "one"),
        ("LLMA_PARTITIONS_START", "2026-01-01T00:30"),
        ("LLMA_MAX_LINE_MB", "0"),
        ("LLMA_LOG_LEVEL", "LOUD"),
        ("LLMA_MAX_USER_MESSAGES", "many"),
    ],
)
def test_an_unusable_setting_is_named_with_the_remedy(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        settings()
    assert ".env.example" in str(caught.value)


def test_a_secret_is_in_no_representation(monkeypatch):
    monkeypatch.setenv("LLMA_HASH_KEY", "canary-key")
    assert "canary" not in repr(settings())
    assert "canary" not in settings().model_dump_json()


def test_the_partitions_start_is_utc_whatever_zone_it_is_given_in(monkeypatch):
    monkeypatch.setenv("LLMA_PARTITIONS_START", "2026-01-01T02:00+02:00")
    assert settings().partitions_start == datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setenv("LLMA_PARTITIONS_START", "2026-01-01T02:00")
    assert settings().partitions_start == datetime(2026, 1, 1, 2, tzinfo=UTC)


def test_an_empty_key_is_no_key(monkeypatch):
    monkeypatch.setenv("LLMA_HASH_KEY", "")
    assert settings().hash_key is None


def test_the_dagster_home_follows_the_home_unless_it_is_set(monkeypatch, tmp_path):
    monkeypatch.setenv("LLMA_HOME", str(tmp_path / "here"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    assert settings().dagster_home == tmp_path / "here" / "dagster"
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    assert settings().dagster_home == tmp_path / "elsewhere"


@pytest.mark.parametrize("name", ["LLMA_MODEL_CACHE", "POSTHOG_SENTIMENT_MODEL_CACHE", "ONNX_CACHE_DIR"])
def test_the_model_cache_has_three_names(monkeypatch, tmp_path, name):
    for each in ("LLMA_MODEL_CACHE", "POSTHOG_SENTIMENT_MODEL_CACHE", "ONNX_CACHE_DIR"):
        monkeypatch.delenv(each, raising=False)
    assert settings().model_cache == Path.home() / ".cache" / "llma" / "models"
    monkeypatch.setenv(name, str(tmp_path / "models"))
    assert settings().model_cache == tmp_path / "models"


def test_our_own_name_of_the_model_cache_wins(monkeypatch, tmp_path):
    monkeypatch.setenv("ONNX_CACHE_DIR", str(tmp_path / "theirs"))
    monkeypatch.setenv("LLMA_MODEL_CACHE", str(tmp_path / "ours"))
    assert settings().model_cache == tmp_path / "ours"


def test_a_setting_with_names_of_its_own_is_named_once_in_an_error(monkeypatch):
    monkeypatch.setenv("LLMA_OFFLINE", "perhaps")
    with pytest.raises(SettingsError, match=r"unusable settings: LLMA_OFFLINE: "):
        settings()
