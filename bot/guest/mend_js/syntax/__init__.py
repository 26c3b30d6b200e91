"""Syntax trees of JavaScript and TypeScript by tree-sitter, and what they say of a place."""
