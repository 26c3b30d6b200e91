"""Mends a Python bug that a test shows, by search: localise, propose small edits, try each, keep what passes.

Runs inside the sandbox because it executes the repository's code. A controller process (``session``) never
imports that code; a bench process (``bench``, spoken to by ``lab``) has, and forks once per candidate.
"""
