"""Settings in layers: what is set later wins, tables are merged."""

import copy
import re

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmg]?)i?b?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def merged(low, high):
    """A new table: the values of ``high`` win, tables in both are merged, neither is changed."""
    result = copy.deepcopy(low)
    for name, value in high.items():
        if isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        else:
            result[name] = copy.deepcopy(value)
    return result


def as_bool(text):
    """``yes``, ``on``, ``1``, ``true`` and their opposites. Raises ValueError."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"neither true nor false: {text!r}")


def as_bytes(text):
    """``512``, ``10k``, ``1.5 MiB``: a number of bytes. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a size: {text!r}")
    return int(float(found["number"]) * _FACTORS[found["unit"].lower()])


class Settings:
    """Names have dots: ``cache.size``."""

    def __init__(self, defaults):
        self._layers = [copy.deepcopy(defaults)]

    def add(self, layer):
        """One more layer on top."""
        self._layers.append(copy.deepcopy(layer))
        return self

    def from_environment(self, environment, prefix="APP_"):
        """A layer from variables: ``APP_CACHE__SIZE`` is ``cache.size``."""
        layer = {}
        for variable, value in environment.items():
            if not variable.startswith(prefix):
                continue
            *tables, name = variable[len(prefix) :].lower().split("__")
            table = layer
            for each in tables:
                table = table.setdefault(each, {})
            table[name] = value
        return self.add(layer)

    @property
    def all(self):
        """Everything as one table."""
        result = {}
        for layer in self._layers:
            result = merged(result, layer)
        return result

    def get(self, name, convert=None):
        """The value, converted when it is a text. Raises KeyError with the whole name."""
        found = self.all
        for part in name.split("."):
            if not isinstance(found, dict) or part not in found:
                raise KeyError(name)
            found = found[part]
        if convert is not None and isinstance(found, str):
            return convert(found)
        return found

    def unknown(self, known):
        """Names (with dots, sorted) that are set and not in ``known``."""
        return sorted(name for name in _names(self.all) if name not in known)


def _names(table, prefix=""):
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _names(value, f"{prefix}{name}.")
        else:
            yield prefix + name
