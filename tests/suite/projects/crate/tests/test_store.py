import pytest
from crate.store import Conflict, Store


@pytest.fixture
def store():
    store = Store()
    store.put("ann", {"name": "Ann", "age": 31, "home": {"city": "Rome"}})
    store.put("bob", {"name": "Bob", "age": 25, "home": {"city": "Oslo"}})
    store.put("cyd", {"name": "Cyd", "home": {"city": "Rome"}})
    return store


def test_what_is_taken_out_is_a_copy(store):
    store.get("ann")["home"]["city"] = "Bonn"
    assert store.get("ann")["home"]["city"] == "Rome"


def test_what_is_put_in_is_a_copy(store):
    document = {"tags": []}
    store.put("dan", document)
    document["tags"].append("new")
    assert store.get("dan") == {"tags": []}


def test_versions(store):
    assert store.version("ann") == 1
    assert store.put("ann", {}) == 2
    assert store.version("nobody") == 0


def test_conflicts(store):
    store.put("ann", {"name": "Anna"}, expected=1)
    with pytest.raises(Conflict, match="ann: expected version 1, found 2") as caught:
        store.put("ann", {"name": "Anne"}, expected=1)
    assert caught.value.found == 2
    assert store.get("ann") == {"name": "Anna"}


def test_a_new_document_can_be_demanded(store):
    assert store.put("eve", {}, expected=0) == 1
    with pytest.raises(Conflict):
        store.put("bob", {}, expected=0)


def test_updating(store):
    assert store.update("bob", age=26, name=None) == 2
    assert store.get("bob") == {"age": 26, "home": {"city": "Oslo"}}
    with pytest.raises(KeyError):
        store.update("nobody", age=1)


def test_deleting(store):
    assert store.delete("bob") is True
    assert store.delete("bob") is False
    assert "bob" not in store
    assert store.put("bob", {}) == 3


def test_watching(store):
    seen = []
    stop = store.watch(lambda key, before, after: seen.append((key, before, after)))
    store.put("x", {"n": 1})
    store.update("x", n=2)
    store.delete("x")
    stop()
    stop()
    store.put("x", {"n": 3})
    assert seen == [("x", None, {"n": 1}), ("x", {"n": 1}, {"n": 2}), ("x", {"n": 2}, None)]


def test_a_watcher_may_stop_itself(store):
    seen = []

    def once(key, before, after):
        seen.append(key)
        stop()

    stop = store.watch(once)
    store.watch(lambda key, before, after: seen.append(key + "!"))
    store.put("x", {})
    store.put("y", {})
    assert seen == ["x", "x!", "y!"]


def test_finding(store):
    assert store.find(home__city="Rome") == ["ann", "cyd"]
    assert store.find(name="Bob", home__city="Rome") == []
    assert store.find(home__city__part="x") == []
    assert store.find(descending=True) == ["cyd", "bob", "ann"]
    assert store.find(limit=0) == []


def test_what_lacks_the_field_comes_last(store):
    assert store.find(order="age") == ["bob", "ann", "cyd"]
    assert store.find(order="age", descending=True) == ["ann", "bob", "cyd"]


def test_a_transaction_that_fails_leaves_nothing(store):
    with pytest.raises(RuntimeError), store.transaction():
        store.put("ann", {})
        store.delete("bob")
        store.put("new", {})
        raise RuntimeError
    assert store.get("ann")["name"] == "Ann"
    assert store.version("ann") == 1
    assert "bob" in store
    assert "new" not in store


def test_a_transaction_that_succeeds_stays(store):
    with store.transaction() as inside:
        inside.put("ann", {"name": "A"})
    assert store.get("ann") == {"name": "A"}


def test_saving_and_loading(store, tmp_path):
    store.save(tmp_path / "file.json")
    again = Store.load(tmp_path / "file.json")
    assert again.get("bob") == store.get("bob")
    assert again.version("bob") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]
    assert len(Store.load(tmp_path / "missing.json")) == 0
