"""Templates: ``{{ name|filter }}``, ``{% for x in list %}``, ``{% if name %} .. {% else %} .. {% end %}``."""

import html
import re

_TAG = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)
_FOR = re.compile(r"for\s+(\w+)\s+in\s+([\w.]+)")
_IF = re.compile(r"if\s+(not\s+)?([\w.]+)")


class TemplateError(ValueError):
    """What is wrong with a template."""


FILTERS = {
    "upper": lambda value: str(value).upper(),
    "lower": lambda value: str(value).lower(),
    "title": lambda value: str(value).title(),
    "count": len,
    "join": lambda value: ", ".join(str(each) for each in value),
    "raw": lambda value: value,
}


class Template:
    """Reads the text once; ``render`` may be called any number of times."""

    def __init__(self, text, filters=None):
        self.filters = {**FILTERS, **(filters or {})}
        self._parts = [part for part in _TAG.split(text) if part]
        self._at = 0
        self._tree = self._read(())
        if self._at < len(self._parts):
            raise TemplateError(f"{self._parts[self._at]} has no beginning")

    def _read(self, ends):
        """Nodes up to a tag in ``ends``, which is not taken."""
        nodes = []
        while self._at < len(self._parts):
            part = self._parts[self._at]
            if part.startswith("{{"):
                nodes.append(("value", *self._expression(part[2:-2])))
                self._at += 1
            elif part.startswith("{%"):
                tag = part[2:-2].strip()
                if tag in ("end", "else"):
                    if ends and tag not in ends:
                        raise TemplateError(f"{part} is not expected here")
                    return nodes
                nodes.append(self._block(tag, part))
            else:
                nodes.append(("text", part))
                self._at += 1
        if ends:
            raise TemplateError("a block has no end")
        return nodes

    def _block(self, tag, part):
        self._at += 1
        loop = _FOR.fullmatch(tag)
        if loop:
            body = self._read(("end",))
            self._at += 1
            return ("for", loop[1], loop[2], body)
        choice = _IF.fullmatch(tag)
        if choice is None:
            raise TemplateError(f"{part} is no tag")
        yes, no = self._read(("end", "else")), []
        if self._parts[self._at][2:-2].strip() == "else":
            self._at += 1
            no = self._read(("end",))
        self._at += 1
        return ("if", bool(choice[1]), choice[2], yes, no)

    def _expression(self, text):
        name, *filters = [part.strip() for part in text.split("|")]
        for each in filters:
            if each not in self.filters:
                raise TemplateError(f"no filter is called {each}")
        return name, filters

    def render(self, **values):
        """The text; values are escaped for HTML unless the filter ``raw`` is there. Raises KeyError."""
        return "".join(self._render(self._tree, values))

    def _render(self, nodes, values):
        for node in nodes:
            if node[0] == "text":
                yield node[1]
            elif node[0] == "value":
                yield self._shown(node[1], node[2], values)
            elif node[0] == "for":
                _, name, source, body = node
                for item in look_up(source, values):
                    yield from self._render(body, {**values, name: item})
            else:
                _, negated, name, yes, no = node
                yield from self._render(yes if bool(look_up(name, values)) != negated else no, values)

    def _shown(self, name, filters, values):
        value = look_up(name, values)
        for each in filters:
            value = self.filters[each](value)
        if value is None:
            return ""
        return str(value) if "raw" in filters else html.escape(str(value))


def look_up(name, values):
    """``a.b`` is the key or the attribute ``b`` of ``a``. Raises KeyError with the whole name."""
    first, *rest = name.split(".")
    if first not in values:
        raise KeyError(name)
    found = values[first]
    for part in rest:
        if isinstance(found, dict):
            if part not in found:
                raise KeyError(name)
            found = found[part]
        elif hasattr(found, part):
            found = getattr(found, part)
        else:
            raise KeyError(name)
    return found
