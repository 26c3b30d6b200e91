"""Shape text."""

from scribe.markup import headings, to_html
from scribe.template import Template, TemplateError
from scribe.words import natural_key, plural, slug, title_case
from scribe.wrap import columns, indent, wrap

__all__ = [
    "Template",
    "TemplateError",
    "columns",
    "headings",
    "indent",
    "natural_key",
    "plural",
    "slug",
    "title_case",
    "to_html",
    "wrap",
]
