"""What the offline engine knows of a repository's Python names: where they are defined, read and renamed.

Runs inside the sandbox and never executes the repository's code: it parses. A library (rope, jedi) is not
used because nothing but the sandbox's own Python is installed there, and because both guess at methods from
inferred types, where this refuses whatever it cannot tell apart.
"""
