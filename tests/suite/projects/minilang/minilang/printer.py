"""A tree back to text, with as few parentheses as can be."""

from minilang.parser import MINUS_POWER, NOT_POWER, POWER, RIGHT
from minilang.tree import Binary, Call, Choice, Def, Let, Name, Unary, Value

TIGHT = 100


def show(node):
    """The text of one statement or expression."""
    if isinstance(node, Let):
        return f"let {node.name} = {show(node.value)}"
    if isinstance(node, Def):
        return f"def {node.name}({', '.join(node.parameters)}) = {show(node.body)}"
    return _text(node)[0]


def _text(node):
    """The text, and how tightly its outermost operator binds."""
    if isinstance(node, Value):
        return _literal(node.value), TIGHT
    if isinstance(node, Name):
        return node.name, TIGHT
    if isinstance(node, Call):
        return f"{node.name}({', '.join(show(each) for each in node.arguments)})", TIGHT
    if isinstance(node, Choice):
        return f"if {show(node.condition)} then {show(node.yes)} else {show(node.no)}", 0
    if isinstance(node, Unary):
        power = MINUS_POWER if node.op == "-" else NOT_POWER
        space = "" if node.op == "-" else " "
        return f"{node.op}{space}{_inside(node.operand, power)}", power
    assert isinstance(node, Binary)
    power = POWER[node.op]
    right_first = node.op in RIGHT
    left = _inside(node.left, power + 1 if right_first else power)
    right = _inside(node.right, power if right_first else power + 1)
    return f"{left} {node.op} {right}", power


def _inside(node, least):
    text, power = _text(node)
    return f"({text})" if power < least else text


def _literal(value):
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return f'"{escaped}"'
    return str(value)
