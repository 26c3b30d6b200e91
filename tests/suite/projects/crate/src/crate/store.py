"""Documents by key, with versions, queries and transactions; what is put in and taken out is a copy."""

import copy
import json
from contextlib import contextmanager
from pathlib import Path


class Conflict(Exception):
    """Somebody else wrote the document in between."""

    def __init__(self, key, expected, found):
        super().__init__(f"{key}: expected version {expected}, found {found}")
        self.found = found


class Store:
    """Documents are dicts; each write makes the version one higher, beginning at 1."""

    def __init__(self):
        self._documents = {}
        self._versions = {}
        self._watchers = []

    def __len__(self):
        return len(self._documents)

    def __contains__(self, key):
        return key in self._documents

    def version(self, key):
        """0 for what was never written."""
        return self._versions.get(key, 0)

    def get(self, key):
        """A copy. Raises KeyError when there is none."""
        return copy.deepcopy(self._documents[key])

    def put(self, key, document, expected=None):
        """Write a document, returns its version. Raises Conflict when it is not the expected one before."""
        found = self.version(key)
        if expected is not None and expected != found:
            raise Conflict(key, expected, found)
        before = self._documents.get(key)
        self._documents[key] = copy.deepcopy(document)
        self._versions[key] = found + 1
        self._tell(key, before, document)
        return found + 1

    def update(self, key, **changes):
        """Change some fields; a value of None takes the field away. Raises KeyError when there is none."""
        document = self.get(key)
        for name, value in changes.items():
            if value is None:
                document.pop(name, None)
            else:
                document[name] = value
        return self.put(key, document)

    def delete(self, key):
        """Returns whether there was one; its version goes on."""
        if key not in self._documents:
            return False
        before = self._documents.pop(key)
        self._versions[key] += 1
        self._tell(key, before, None)
        return True

    def watch(self, told):
        """Call ``told(key, before, after)`` for every write; returns a function that ends it."""
        self._watchers.append(told)

        def stop():
            if told in self._watchers:
                self._watchers.remove(told)

        return stop

    def _tell(self, key, before, after):
        for told in tuple(self._watchers):
            told(key, before, after)

    def find(self, order=None, descending=False, limit=None, **wanted):
        """Keys of the documents with all these values, by key or by the field ``order``.

        Documents without the field ``order`` come last, whichever the direction.
        """
        keys = [key for key, document in self._documents.items() if _matches(document, wanted)]
        if order is None:
            keys.sort(reverse=descending)
        else:
            having = [key for key in keys if order in self._documents[key]]
            lacking = sorted(key for key in keys if order not in self._documents[key])
            having.sort(key=lambda key: self._documents[key][order], reverse=descending)
            keys = having + lacking
        return keys if limit is None else keys[:limit]

    @contextmanager
    def transaction(self):
        """All writes in the block or, when it raises, none."""
        documents, versions = copy.deepcopy(self._documents), dict(self._versions)
        try:
            yield self
        except BaseException:
            self._documents, self._versions = documents, versions
            raise

    def save(self, path):
        """Write everything as JSON, whole or not at all."""
        path = Path(path)
        data = {"documents": self._documents, "versions": self._versions}
        beside = path.with_name(path.name + ".new")
        beside.write_text(json.dumps(data, sort_keys=True), encoding="utf-8")
        beside.replace(path)

    @classmethod
    def load(cls, path):
        """A store from a file, an empty one when there is none."""
        store = cls()
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return store
        store._documents = data["documents"]
        store._versions = data["versions"]
        return store


def _matches(document, wanted):
    for path, value in wanted.items():
        found = document
        for name in path.split("__"):
            if not isinstance(found, dict) or name not in found:
                return False
            found = found[name]
        if found != value:
            return False
    return True
