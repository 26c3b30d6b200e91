"""Edit templates: small ways in which Python code is wrong, each with how often it is the answer.

The priors follow the order of published counts of one-statement fixes (R.-M. Karampatsis, C. Sutton, "How
often do single-statement bugs occur?", MSR 2020; A. Kamienski et al., "PySStuBs", MSR 2021; R. Widyasari et
al., "BugsInPy", FSE 2020), then adjusted on a development suite.
"""

from __future__ import annotations

from ..learned import patterns
from . import (
    calls,
    control,
    guards,
    handlers,
    lookups,
    missing,
    names,
    operators,
    predicates,
    signatures,
    terms,
)
from .conditions import arms, conjuncts, operands, order, presence, type_tests
from .literals import constants, data, entries, options, regexes, texts
from .registry import Template, list_templates
from .statements import left_undone, missing_lines
from .values import exchange, passing, reckoning, results, shape, signs, wrapping

MODULES = (
    constants,
    data,
    entries,
    options,
    regexes,
    texts,
    arms,
    conjuncts,
    operands,
    order,
    presence,
    type_tests,
    exchange,
    passing,
    reckoning,
    results,
    shape,
    signs,
    wrapping,
    calls,
    control,
    guards,
    handlers,
    lookups,
    missing,
    names,
    operators,
    patterns,
    predicates,
    signatures,
    left_undone,
    missing_lines,
    terms,
)
TEMPLATES: tuple[Template, ...] = list_templates()

__all__ = ["MODULES", "TEMPLATES", "Template"]
