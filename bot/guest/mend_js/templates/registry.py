"""All templates."""

from __future__ import annotations

from . import calls, conditions, literals, names, operators, statements, terms
from .edit import Template

TEMPLATES: tuple[Template, ...] = (
    operators.change_operators,
    operators.shift_by_one,
    conditions.change_conditions,
    conditions.extend_conditions,
    conditions.add_edge_cases,
    conditions.compare_strictly,
    terms.add_terms,
    terms.swap_values,
    literals.change_numbers,
    literals.change_constants,
    literals.change_strings,
    literals.change_patterns,
    names.change_variables,
    names.change_properties,
    names.index_otherwise,
    names.name_literals,
    calls.change_arguments,
    calls.drop_calls,
    calls.add_calls,
    calls.keep_results,
    calls.wait_for_results,
    statements.return_results,
    statements.change_jumps,
    statements.move_statements,
    statements.copy_statements,
    statements.join_branches,
    statements.add_guards,
    statements.add_defaults,
    statements.change_declarations,
    statements.add_items,
)
