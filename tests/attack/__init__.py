"""Attacks on the sandbox, each beside a legitimate twin that has to work: read ``play.py`` first."""
