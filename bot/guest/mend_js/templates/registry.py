"""All templates."""

from __future__ import annotations

from . import calls, literals, names, operators, statements
from .edit import Template

TEMPLATES: tuple[Template, ...] = (
    operators.change_operators,
    operators.change_conditions,
    operators.extend_conditions,
    operators.shift_by_one,
    literals.change_numbers,
    literals.change_constants,
    literals.change_strings,
    literals.change_patterns,
    names.change_variables,
    names.change_properties,
    names.index_otherwise,
    calls.change_arguments,
    calls.drop_calls,
    calls.add_calls,
    calls.keep_results,
    calls.wait_for_results,
    statements.return_results,
    statements.change_jumps,
    statements.move_statements,
    statements.join_branches,
    statements.add_guards,
    statements.add_defaults,
    statements.change_declarations,
    statements.add_items,
)
