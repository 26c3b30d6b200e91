"""Launching with a switch: flags by installation, repository, person and percentage, and a kill switch.

What flags say is in PostgreSQL and is read anew for every run, so that a change holds everywhere at once. The
values that a run had stay with it.
"""
