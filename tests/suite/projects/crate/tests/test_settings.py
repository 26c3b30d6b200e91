import pytest
from crate.settings import Settings, as_bool, as_bytes, merged

DEFAULTS = {"cache": {"size": 10, "ttl": 60}, "debug": False, "paths": ["a"]}


def test_tables_are_merged():
    assert merged({"a": {"x": 1, "y": 2}, "b": 1}, {"a": {"y": 3}, "c": 4}) == {
        "a": {"x": 1, "y": 3},
        "b": 1,
        "c": 4,
    }


def test_merging_changes_neither():
    low, high = {"a": {"x": 1}}, {"a": {"y": [1]}}
    result = merged(low, high)
    result["a"]["y"].append(2)
    assert low == {"a": {"x": 1}}
    assert high == {"a": {"y": [1]}}


def test_a_table_gives_way_to_a_value():
    assert merged({"a": {"x": 1}}, {"a": 5}) == {"a": 5}
    assert merged({"a": 5}, {"a": {"x": 1}}) == {"a": {"x": 1}}


def test_later_layers_win():
    settings = Settings(DEFAULTS).add({"cache": {"size": 20}}).add({"cache": {"size": 30}, "debug": True})
    assert settings.get("cache.size") == 30
    assert settings.get("cache.ttl") == 60
    assert settings.get("debug") is True


def test_defaults_are_not_shared():
    settings = Settings(DEFAULTS)
    settings.all["paths"].append("b")
    assert settings.get("paths") == ["a"]
    assert DEFAULTS["paths"] == ["a"]


def test_missing_names_are_told_whole():
    with pytest.raises(KeyError, match=r"cache\.colour"):
        Settings(DEFAULTS).get("cache.colour")
    with pytest.raises(KeyError, match=r"debug\.level"):
        Settings(DEFAULTS).get("debug.level")


def test_environment():
    settings = Settings(DEFAULTS).from_environment(
        {"APP_CACHE__SIZE": "1k", "APP_DEBUG": "Yes", "HOME": "/x"}
    )
    assert settings.get("cache.size", as_bytes) == 1024
    assert settings.get("cache.ttl", as_bytes) == 60
    assert settings.get("debug", as_bool) is True
    assert settings.unknown({"cache.size", "cache.ttl", "debug", "paths"}) == []


def test_unknown_names():
    settings = Settings(DEFAULTS).add({"cache": {"sise": 1}, "zeal": 2})
    assert settings.unknown({"cache.size", "cache.ttl", "debug", "paths"}) == ["cache.sise", "zeal"]


@pytest.mark.parametrize(("text", "value"), [("on", True), (" TRUE ", True), ("No", False), ("0", False)])
def test_truth(text, value):
    assert as_bool(text) is value


def test_neither():
    with pytest.raises(ValueError, match="neither"):
        as_bool("maybe")


@pytest.mark.parametrize(
    ("text", "size"), [("512", 512), ("10k", 10240), ("1.5 MiB", 1572864), ("2GB", 2 * 1024**3), ("7b", 7)]
)
def test_sizes(text, size):
    assert as_bytes(text) == size


def test_no_size():
    with pytest.raises(ValueError, match="not a size"):
        as_bytes("many")
