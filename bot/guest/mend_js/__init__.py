"""A search for a small change that makes failing tests of JavaScript or TypeScript pass, inside the sandbox.

It edits syntax trees of tree-sitter's and has the repository's own test runner judge each change.
"""
