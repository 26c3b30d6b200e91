"""Mends a Python bug that a test shows, by search: localise, propose small edits, try each, keep what passes.

Runs inside the sandbox because it executes the repository's code. A controller process (``session``) never
imports that code; a fork server (``forkserver.server``, reached through ``forkserver.client``) has, and forks
a child for each request.
"""
