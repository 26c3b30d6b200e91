"""Refresh GitHub's own descriptions of its interfaces: REST, GraphQL and webhooks, trimmed to what Hob uses.

    python tests/support/refresh_github_data.py            # the newest published versions
    python tests/support/refresh_github_data.py --from DIR # DIR/node_modules is there already: no network

Needs ``npm``; ``make refresh-github-data`` calls it. It installs four packages in a temporary directory and
writes, beside the licences of those packages, into ``tests/data/github``:

- ``openapi.json`` from ``@octokit/openapi`` (GitHub's OpenAPI 3.0 description): the wanted operations and
  the components they reach, without prose and examples
- ``webhooks.json`` from ``@octokit/webhooks-schemas``: the wanted events, and the definitions they reach
- ``schema.graphql`` from ``@octokit/graphql-schema``: the wanted types; a field stays when its type stays
- ``examples.json.xz`` from ``@octokit/webhooks-examples``: every example payload, by event, as it is
- ``versions.json``: what was taken

What to take stands in ``wanted.toml`` there. ``tests/support/github_spec.py`` reads the result.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from graphql import DocumentNode, parse, print_ast
from graphql.language import (
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    Visitor,
    visit,
)

TARGET = Path(__file__).parent.parent / "data" / "github"
PACKAGES = (
    "@octokit/openapi",
    "@octokit/webhooks-schemas",
    "@octokit/graphql-schema",
    "@octokit/webhooks-examples",
)

WANTED: dict[str, list[str]] = tomllib.loads((TARGET / "wanted.toml").read_text())

# JSON Schema keywords whose value maps free names to schemas: the names are never keywords.
NAMED = ("properties", "patternProperties", "definitions")
PROSE = ("description", "title", "example", "examples", "externalDocs", "default", "$schema", "$id")


def main() -> None:
    """Install the packages, trim, write."""
    parser = argparse.ArgumentParser(description="Refresh tests/data/github from what GitHub publishes.")
    parser.add_argument("--from", dest="source", type=Path, help="a directory with node_modules")
    source: Path | None = parser.parse_args().source
    if source is not None:
        refresh(source / "node_modules")
        return
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(
            ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", *PACKAGES],
            cwd=scratch,
            check=True,
        )
        refresh(Path(scratch) / "node_modules")


def refresh(modules: Path) -> None:
    """Write every file of ``tests/data/github`` from the installed packages below ``modules``."""
    TARGET.mkdir(parents=True, exist_ok=True)
    openapi, webhooks, graphql, examples = (modules / name for name in PACKAGES)
    pack_examples(read_json(examples / "api.github.com" / "index.json"))
    write_json("openapi.json", trim_openapi(read_json(openapi / "generated" / "api.github.com.json")))
    write_json("webhooks.json", trim_webhooks(read_json(webhooks / "schema.json")))
    schema = trim_graphql(parse((graphql / "schema.graphql").read_text(), no_location=True))
    (TARGET / "schema.graphql").write_text(schema)
    versions = {name: read_json(modules / name / "package.json") for name in PACKAGES}
    taken = {
        name: {key: package[key] for key in ("version", "license")} for name, package in versions.items()
    }
    (TARGET / "versions.json").write_text(json.dumps(taken, indent=2) + "\n")
    for name in PACKAGES:
        for licence in (modules / name).glob("LICENSE*"):
            shutil.copyfile(licence, TARGET / f"LICENSE-{name.split('/')[1]}.txt")
    for path in sorted(TARGET.iterdir()):
        print(f"{path.stat().st_size:>9} {path.name}")


def pack_examples(events: Iterable[Mapping[str, Any]]) -> None:
    """Write the example payloads, compressed: they say the same things over and over."""
    packed = json.dumps({one["name"]: one["examples"] for one in events}, separators=(",", ":")).encode()
    (TARGET / "examples.json.xz").write_bytes(lzma.compress(packed, preset=9 | lzma.PRESET_EXTREME))


def trim_openapi(description: Mapping[str, Any]) -> dict[str, Any]:
    """The wanted operations with the components they reach, without prose."""
    missing = [path for path in WANTED["paths"] if path not in description["paths"]]
    if missing:
        raise SystemExit(f"GitHub's description has no longer: {', '.join(missing)}; correct wanted.toml")
    operations = {
        path: {
            method: slim_operation(operation)
            for method, operation in description["paths"][path].items()
            if method in ("get", "post", "put", "patch", "delete")
        }
        for path in WANTED["paths"]
    }
    components: dict[str, dict[str, Any]] = {}
    waiting = list(references(operations))
    while waiting:
        _, _, kind, name = waiting.pop().split("/", 3)
        if name in components.setdefault(kind, {}):
            continue
        part = description["components"][kind][name]
        components[kind][name] = slim_part(kind, part)
        waiting.extend(references(components[kind][name]))
    return {
        "openapi": description["openapi"],
        "info": {"title": description["info"]["title"], "version": description["info"]["version"]},
        "paths": operations,
        "components": {kind: dict(sorted(parts.items())) for kind, parts in sorted(components.items())},
    }


def slim_operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    """One operation with only what a validator reads."""
    slim: dict[str, Any] = {
        "operationId": operation["operationId"],
        "parameters": [slim_part("parameters", item) for item in operation.get("parameters", [])],
        "responses": {code: slim_part("responses", item) for code, item in operation["responses"].items()},
    }
    if "requestBody" in operation:
        slim["requestBody"] = slim_part("requestBodies", operation["requestBody"])
    return slim


def slim_part(kind: str, part: Mapping[str, Any]) -> Any:
    """A parameter, a request body, a response or a schema without prose and examples."""
    if "$ref" in part:
        return {"$ref": part["$ref"]}
    if kind == "schemas":
        return slim_schema(part)
    slim = {key: part[key] for key in ("name", "in", "required") if key in part}
    if "schema" in part:
        slim["schema"] = slim_schema(part["schema"])
    if "content" in part:
        slim["content"] = {
            media: {"schema": slim_schema(content["schema"])}
            for media, content in part["content"].items()
            if "schema" in content
        }
    return slim


def slim_schema(schema: Any) -> Any:
    """A JSON Schema without prose; names of properties are left alone even when they are called ``title``."""
    if isinstance(schema, list):
        return [slim_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    slim: dict[str, Any] = {}
    for key, value in schema.items():
        if key in NAMED:
            slim[key] = {name: slim_schema(item) for name, item in value.items()}
        elif key in ("enum", "const", "required"):
            slim[key] = value
        elif key not in PROSE and not key.startswith("x-"):
            slim[key] = slim_schema(value)
    return slim


def trim_webhooks(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The definitions ``<event>$<action>`` of the wanted events, and what they reach."""
    definitions: Mapping[str, Any] = schema["definitions"]
    kept: dict[str, Any] = {}
    waiting = [name for name in definitions if name.split("$")[0] in WANTED["events"]]
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = slim_schema(definitions[name])
            waiting.extend(reference.rsplit("/", 1)[1] for reference in references(kept[name]))
    return {"$schema": schema["$schema"], "definitions": dict(sorted(kept.items()))}


def references(part: Any) -> Iterator[str]:
    """Every ``$ref`` below ``part``."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def trim_graphql(document: DocumentNode) -> str:
    """GitHub's schema with only what is wanted and the enums, scalars and inputs it uses."""
    known: dict[str, Any] = {node.name.value: node for node in document.definitions if hasattr(node, "name")}
    mutations = {field.name.value: field for field in known["Mutation"].fields}
    missing = (set(WANTED["types"]) - known.keys()) | (set(WANTED["mutations"]) - mutations.keys())
    if missing:
        raise SystemExit(f"GitHub's GraphQL schema has no longer: {', '.join(sorted(missing))}")
    payloads = {type_name(mutations[name].type) for name in WANTED["mutations"]}
    composite = frozenset(WANTED["types"]) | payloads
    kept: dict[str, Any] = {}
    waiting = sorted(composite)
    while waiting:
        name = waiting.pop()
        if name not in kept and name in known:
            kept[name] = slim_type(name, known[name], composite, known)
            waiting.extend(list_type_names(kept[name]))
    lines = [print_ast(strip_prose(kept[name])) for name in sorted(kept)]
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)) + "\n"


def slim_type(name: str, node: Any, composite: frozenset[str], known: Mapping[str, Any]) -> Any:
    """One type with the fields, interfaces and members whose own types stay."""
    leaf = (ScalarTypeDefinitionNode, EnumTypeDefinitionNode, InputObjectTypeDefinitionNode)
    wanted = {"Query": WANTED["queries"], "Mutation": WANTED["mutations"]}.get(name)

    def stays(field: Any) -> bool:
        target = type_name(field.type)
        if wanted is not None and field.name.value not in wanted:
            return False
        return target in composite or target not in known or isinstance(known[target], leaf)

    if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        fields = tuple(field for field in node.fields or () if stays(field))
        interfaces = tuple(item for item in node.interfaces or () if item.name.value in composite)
        return copy_node(node, fields=fields, interfaces=interfaces)
    if isinstance(node, UnionTypeDefinitionNode):
        return copy_node(node, types=tuple(item for item in node.types or () if item.name.value in composite))
    return copy_node(node)


def copy_node(node: Any, **changes: Any) -> Any:
    """A copy of a syntax node with other parts."""
    return type(node)(**{key: changes.get(key, getattr(node, key)) for key in node.keys if key != "loc"})


def type_name(node: TypeNode) -> str:
    """The name of a type under its lists and non-nulls."""
    while isinstance(node, ListTypeNode | NonNullTypeNode):
        node = node.type
    return node.name.value if isinstance(node, NamedTypeNode) else ""


def list_type_names(node: Any) -> Iterable[str]:
    """Every type name a definition mentions."""
    found: list[str] = []

    class Names(Visitor):
        def enter_named_type(self, named_type: NamedTypeNode, *_: Any) -> None:
            found.append(named_type.name.value)

    visit(node, Names())
    return found


def strip_prose(node: Any) -> Any:
    """A definition without descriptions and directives."""

    class Slim(Visitor):
        def enter(self, item: Any, *_: Any) -> Any:
            changes: dict[str, Any] = {}
            if getattr(item, "description", None) is not None:
                changes["description"] = None
            if getattr(item, "directives", None):
                changes["directives"] = ()
            return copy_node(item, **changes) if changes else None

    return visit(node, Slim())


def read_json(path: Path) -> Any:
    """A JSON file's value."""
    return json.loads(path.read_text())


def write_json(name: str, value: Any) -> None:
    """Compact, in a stable order, with an end of line."""
    (TARGET / name).write_text(json.dumps(value, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
