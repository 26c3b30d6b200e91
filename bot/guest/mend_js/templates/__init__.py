"""Kinds of edits: each template gives the changes that it would make to one node of a syntax tree."""
