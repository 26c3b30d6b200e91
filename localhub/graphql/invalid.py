"""What is wrong with a query, in the words and the shape of GitHub's own GraphQL (graphql-ruby).

Such an error has no ``type`` but ``extensions.code``, and a path that begins with the operation; one about
the value of a variable has ``extensions.problems`` and no code. Read in
https://github.com/rmosolgo/graphql-ruby/tree/master/lib/graphql/static_validation/rules
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    print_ast,
)

Extensions = dict[str, str]
Told = tuple[str, Extensions]


def render_invalid(schema: GraphQLSchema, document: DocumentNode, error: GraphQLError) -> dict[str, Any]:
    """One error of validation as GitHub shows it; one of a kind that is not known keeps its own words."""
    node = error.nodes[-1] if error.nodes else None  # of a variable, where it is used
    above = _find_ancestors(document, node) if node is not None else []
    message, extensions = _tell(error.message, above)
    if "inputObjectType" in extensions:
        kind = schema.get_type(extensions["inputObjectType"])
        assert isinstance(kind, GraphQLInputObjectType)  # noqa: S101  graphql-core named it
        extensions["argumentType"] = str(kind.fields[extensions["argumentName"]].type)
        message += f" Expected type {extensions['argumentType']}"
    shown: dict[str, Any] = {"path": _make_path(above)}
    if extensions:
        shown["extensions"] = extensions
    if error.locations:
        first = error.locations[0]
        shown["locations"] = [{"line": first.line, "column": first.column}]
    return shown | {"message": message}


def render_bad_variable(error: GraphQLError) -> dict[str, Any] | None:
    """An error about the value of a variable as GitHub shows it; None for any other error."""
    found = re.match(r"Variable '\$(\w+)' has invalid value(?: at ([\w.\[\]]+))?: (.*)", error.message, re.S)
    if found is None or error.path:
        return None
    name, at, why = found.groups()
    node = error.nodes[0] if error.nodes else None
    kind = print_ast(node.type) if isinstance(node, VariableDefinitionNode) else "its type"
    path = re.findall(r"\w+", at or "")
    where = f" for {'.'.join(path)} ({why})" if path else ""
    shown: dict[str, Any] = {
        "extensions": {"value": None, "problems": [{"path": path, "explanation": why}]},
        "message": f"Variable ${name} of type {kind} was provided invalid value{where}",
    }
    if error.locations:
        shown["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    return shown


def _tell(words: str, above: list[Node]) -> Told:
    for pattern, tell in _KINDS:
        if found := re.match(pattern, words, re.S):
            return tell(found, above)
    return _tell_wrong_value(above) or (words, {})


def _tell_wrong_value(above: list[Node]) -> Told | None:
    """A literal that its argument does not take."""
    arguments = [one for one in above if isinstance(one, (ArgumentNode, ObjectFieldNode))]
    if not arguments:
        return None
    last, name = arguments[-1], arguments[-1].name.value
    kind = "Field" if isinstance(last, ArgumentNode) else "InputObject"
    owner = next((one.name.value for one in reversed(above) if isinstance(one, FieldNode)), "")
    text = f"Argument '{name}' on {kind} '{owner}' has an invalid value ({print_ast(last.value)})."
    return text, {"code": "argumentLiteralsIncompatible", "typeName": kind, "argumentName": name}


def _undefined_field(found: re.Match[str], above: list[Node]) -> Told:
    field, kind = found.groups()
    more = {"code": "undefinedField", "typeName": kind, "fieldName": field}
    return f"Field '{field}' doesn't exist on type '{kind}'", more


def _unknown_argument(found: re.Match[str], above: list[Node]) -> Told:
    argument, field = found.groups()
    more = {"code": "argumentNotAccepted", "name": field, "typeName": "Field", "argumentName": argument}
    return f"Field '{field}' doesn't accept argument '{argument}'", more


def _unknown_input(found: re.Match[str], above: list[Node]) -> Told:
    kind, argument = found.groups()
    more = {"code": "argumentNotAccepted", "name": kind, "typeName": "InputObject", "argumentName": argument}
    return f"InputObject '{kind}' doesn't accept argument '{argument}'", more


def _missing_argument(found: re.Match[str], above: list[Node]) -> Told:
    field, argument = found.groups()
    more = {"code": "missingRequiredArguments", "className": "Field", "name": field, "arguments": argument}
    return f"Field '{field}' is missing required arguments: {argument}", more


def _missing_input(found: re.Match[str], above: list[Node]) -> Told:
    kind, argument = found.groups()
    code = "missingRequiredInputObjectAttribute"
    more = {"code": code, "argumentName": argument, "inputObjectType": kind}
    return f"Argument '{argument}' on InputObject '{kind}' is required.", more


def _undefined_variable(found: re.Match[str], above: list[Node]) -> Told:
    more = {"code": "variableNotDefined", "variableName": found[1]}
    return f"Variable ${found[1]} is used by {_name_operation(above)} but not declared", more


def _unused_variable(found: re.Match[str], above: list[Node]) -> Told:
    more = {"code": "variableNotUsed", "variableName": found[1]}
    return f"Variable ${found[1]} is declared by {_name_operation(above)} but not used", more


def _mismatched_variable(found: re.Match[str], above: list[Node]) -> Told:
    name, has, wanted = found.groups()
    same = has.strip("[]!") == wanted.strip("[]!")
    lists = has.count("[") != wanted.count("[")
    why = "Type mismatch" if not same else "List dimension mismatch" if lists else "Nullability mismatch"
    argument = next((one.name.value for one in reversed(above) if isinstance(one, ArgumentNode)), "")
    more = {
        "code": "variableMismatch",
        "variableName": name,
        "typeName": has,
        "argumentName": argument,
        "errorMessage": why,
    }
    return f"{why} on variable ${name} and argument {argument} ({has} / {wanted})", more


def _unknown_type(found: re.Match[str], above: list[Node]) -> Told:
    variable = next((one for one in above if isinstance(one, VariableDefinitionNode)), None)
    if variable is not None:
        name = variable.variable.name.value
        more = {"code": "variableRequiresValidType", "typeName": found[1], "variableName": name}
        return f"{found[1]} isn't a defined input type (on ${name})", more
    more = {"code": "undefinedType", "typeName": found[1]}
    return f"No such type {found[1]}, so it can't be a fragment condition", more


def _no_selection(found: re.Match[str], above: list[Node]) -> Told:
    field, kind = found.groups()
    more = {"code": "selectionMismatch", "nodeName": f"field '{field}'", "typeName": kind}
    text = f"Field must have selections (field '{field}' returns {kind} but has no selections."
    return f"{text} Did you mean '{field} {{ ... }}'?)", more


def _selection_on_leaf(found: re.Match[str], above: list[Node]) -> Told:
    field, kind = found.groups()
    more = {"code": "selectionMismatch", "nodeName": f"field '{field}'", "typeName": kind}
    return f"Selections can't be made on scalars (field '{field}' returns {kind} but has selections)", more


def _unknown_fragment(found: re.Match[str], above: list[Node]) -> Told:
    more = {"code": "useAndDefineFragment", "fragmentName": found[1]}
    return f"Fragment {found[1]} was used, but not defined", more


def _unused_fragment(found: re.Match[str], above: list[Node]) -> Told:
    more = {"code": "useAndDefineFragment", "fragmentName": found[1]}
    return f"Fragment {found[1]} was defined, but not used", more


# The words of graphql-core, which judges the queries here.
_KINDS: list[tuple[str, Callable[[re.Match[str], list[Node]], Told]]] = [
    (r"Cannot query field '(\w+)' on type '(\w+)'", _undefined_field),
    (r"Unknown argument '(\w+)' on field '\w+\.(\w+)'", _unknown_argument),
    (r"Argument '\w+\.(\w+)\((\w+):\)' of type '[^']+' is required", _missing_argument),
    (r"Expected value of type '(\w+)' to include required field '(\w+)'", _missing_input),
    (r"Expected value of type '(\w+)' not to include unknown field '(\w+)'", _unknown_input),
    (r"Variable '\$(\w+)' is not defined", _undefined_variable),
    (r"Variable '\$(\w+)' is never used", _unused_variable),
    (r"Variable '\$(\w+)' of type '([^']+)' used in position expecting type '([^']+)'", _mismatched_variable),
    (r"Unknown type '(\w+)'", _unknown_type),
    (r"Field '(\w+)' of type '([^']+)' must have a selection of subfields", _no_selection),
    (r"Field '(\w+)' must not have a selection since type '([^']+)' has no subfields", _selection_on_leaf),
    (r"Unknown fragment '(\w+)'", _unknown_fragment),
    (r"Fragment '(\w+)' is never used", _unused_fragment),
]


def _name_operation(above: list[Node]) -> str:
    first = above[0] if above else None
    named = isinstance(first, (OperationDefinitionNode, FragmentDefinitionNode)) and first.name
    return named.value if named else "anonymous query"


def _make_path(above: list[Node]) -> list[str]:
    path = []
    for one in above:
        if isinstance(one, OperationDefinitionNode):
            path.append(" ".join([one.operation.value, *([one.name.value] if one.name else [])]))
        elif isinstance(one, FragmentDefinitionNode):
            path.append(f"fragment {one.name.value}")
        elif isinstance(one, FieldNode):
            path.append((one.alias or one.name).value)
        elif isinstance(one, InlineFragmentNode):
            path.append(f"... on {one.type_condition.name.value}" if one.type_condition else "...")
        elif isinstance(one, (ArgumentNode, ObjectFieldNode)):
            path.append(one.name.value)
    return path


def _find_ancestors(node: Node, wanted: Node) -> list[Node]:
    """The nodes from below the document down to ``wanted``, which is the last; none where it is not there."""
    for key in node.keys:
        value = getattr(node, key, None)
        for child in value if isinstance(value, (list, tuple)) else [value]:
            if child is wanted:
                return [child]
            if isinstance(child, Node) and (below := _find_ancestors(child, wanted)):
                return [child, *below]
    return []
