"""Which grammar reads which file, and what in its syntax tree is a symbol.

The patterns name node types of the official grammars: each has a ``name`` and, around it, the definition,
captured as the kind that is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

_JAVASCRIPT = """
(class_declaration name: (_) @name) @class
(function_declaration name: (_) @name) @function
(generator_function_declaration name: (_) @name) @function
(method_definition name: (_) @name) @method
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)]) @function
(assignment_expression left: (member_expression property: (_) @name)
  right: [(arrow_function) (function_expression)]) @function
(pair key: (property_identifier) @name value: [(arrow_function) (function_expression)]) @method
(program (lexical_declaration (variable_declarator name: (identifier) @name) @variable))
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @variable)))
"""
_TYPESCRIPT = (
    _JAVASCRIPT
    + """
(abstract_class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @enum
(function_signature name: (_) @name) @function
"""
)
_C = """
(function_definition declarator: (function_declarator declarator: (identifier) @name)) @function
(function_definition declarator: (pointer_declarator
  declarator: (function_declarator declarator: (identifier) @name))) @function
(declaration declarator: (function_declarator declarator: (identifier) @name)) @prototype
(struct_specifier name: (_) @name body: (_)) @struct
(union_specifier name: (_) @name body: (_)) @union
(enum_specifier name: (_) @name body: (_)) @enum
(type_definition declarator: (type_identifier) @name) @type
(preproc_def name: (_) @name) @macro
(preproc_function_def name: (_) @name) @macro
"""
QUERIES = {
    "python": """
(class_definition name: (_) @name) @class
(function_definition name: (_) @name) @function
(module (expression_statement (assignment left: (identifier) @name) @variable))
""",
    "javascript": _JAVASCRIPT,
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "go": """
(function_declaration name: (_) @name) @function
(method_declaration name: (_) @name) @method
(type_spec name: (_) @name) @type
(source_file (const_declaration (const_spec name: (_) @name) @constant))
(source_file (var_declaration (var_spec name: (_) @name) @variable))
""",
    "rust": """
(function_item name: (_) @name) @function
(function_signature_item name: (_) @name) @function
(struct_item name: (_) @name) @struct
(enum_item name: (_) @name) @enum
(trait_item name: (_) @name) @trait
(type_item name: (_) @name) @type
(mod_item name: (_) @name) @module
(const_item name: (_) @name) @constant
(static_item name: (_) @name) @constant
(macro_definition name: (_) @name) @macro
""",
    "java": """
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(enum_declaration name: (_) @name) @enum
(record_declaration name: (_) @name) @record
(annotation_type_declaration name: (_) @name) @interface
(method_declaration name: (_) @name) @method
(constructor_declaration name: (_) @name) @constructor
""",
    "c": _C,
    "cpp": _C
    + """
(class_specifier name: (_) @name body: (_)) @class
(namespace_definition name: (_) @name) @namespace
(function_definition declarator: (function_declarator declarator: (field_identifier) @name)) @method
(function_definition declarator: (function_declarator
  declarator: (qualified_identifier name: (_) @name))) @method
(field_declaration declarator: (function_declarator declarator: (field_identifier) @name)) @method
""",
    "c_sharp": """
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(struct_declaration name: (_) @name) @struct
(record_declaration name: (_) @name) @record
(enum_declaration name: (_) @name) @enum
(method_declaration name: (_) @name) @method
(constructor_declaration name: (_) @name) @constructor
(property_declaration name: (_) @name) @property
""",
    "ruby": """
(class name: (_) @name) @class
(module name: (_) @name) @module
(method name: (_) @name) @method
(singleton_method name: (_) @name) @method
""",
    "php": """
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(trait_declaration name: (_) @name) @trait
(enum_declaration name: (_) @name) @enum
(function_definition name: (_) @name) @function
(method_declaration name: (_) @name) @method
""",
}
GRAMMARS = {  # language: (module, function that gives the grammar)
    **{name: (f"tree_sitter_{name}", "language") for name in QUERIES},
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "php": ("tree_sitter_php", "language_php"),
}


@dataclass(frozen=True, slots=True)
class Language:
    """What a file is: the usual name, the grammar's name or nothing, and source, prose or data."""

    name: str
    grammar: str
    role: str


def _table() -> dict[str, Language]:
    parsed = {
        "Python": ("python", "py pyi pyw"), "JavaScript": ("javascript", "js mjs cjs jsx"),
        "TypeScript": ("typescript", "ts mts cts"), "TSX": ("tsx", "tsx"), "Go": ("go", "go"),
        "Rust": ("rust", "rs"), "Java": ("java", "java"), "C": ("c", "c h"),
        "C++": ("cpp", "cc cpp cxx c++ hh hpp hxx inl ipp"), "C#": ("c_sharp", "cs"),
        "Ruby": ("ruby", "rb rake gemspec"), "PHP": ("php", "php phtml"),
    }  # fmt: skip
    lexical = {
        "Kotlin": "kt kts", "Scala": "scala sc", "Swift": "swift", "Objective-C": "m mm",
        "Shell": "sh bash zsh", "Perl": "pl pm t", "Lua": "lua", "Elixir": "ex exs", "Erlang": "erl hrl",
        "Haskell": "hs", "OCaml": "ml mli", "Clojure": "clj cljs cljc", "R": "r", "Julia": "jl",
        "Dart": "dart", "Zig": "zig", "Nim": "nim", "D": "d", "Groovy": "groovy gradle", "F#": "fs fsx",
        "Visual Basic": "vb", "Fortran": "f f90 f95", "Pascal": "pas", "Lisp": "el lisp scm rkt",
        "SQL": "sql", "Vue": "vue", "Svelte": "svelte", "Protobuf": "proto", "PowerShell": "ps1 psm1",
        "Terraform": "tf", "CSS": "css scss sass less", "Cython": "pyx pxd", "Assembly": "s asm",
        "CUDA": "cu cuh", "Solidity": "sol", "Tcl": "tcl", "Vim script": "vim", "GraphQL": "graphql gql",
        "Template": "html htm jinja j2 erb ejs hbs mustache twig tmpl mako",
    }  # fmt: skip
    table = {
        ext: Language(name, grammar, "source")
        for name, (grammar, exts) in parsed.items()
        for ext in exts.split()
    }
    table |= {ext: Language(name, "", "source") for name, exts in lexical.items() for ext in exts.split()}
    prose = "md rst txt adoc markdown org tex mdx 1 5 7 8"
    return table | dict.fromkeys(prose.split(), Language("Prose", "", "prose"))


TABLE = _table()
NAMES = {
    "makefile": "Make",
    "dockerfile": "Docker",
    "rakefile": "Ruby",
    "gemfile": "Ruby",
    "cmakelists.txt": "CMake",
}
_PROSE = {
    "changes",
    "changelog",
    "history",
    "news",
    "readme",
    "license",
    "licence",
    "copying",
    "authors",
    "contributing",
}


def language(path: str) -> Language:
    """What a file is, by its name alone; an unknown one is data."""
    base = path.rpartition("/")[2].lower()
    stem, dot, ext = base.rpartition(".")
    if base in NAMES:
        return Language(NAMES[base], "ruby" if NAMES[base] == "Ruby" else "", "source")
    if (stem if dot else base) in _PROSE:
        return Language("Prose", "", "prose")
    return TABLE.get(ext if dot else "", Language("Other", "", "data"))
