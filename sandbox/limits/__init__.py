"""Ceilings on memory, processes and processor time: control groups, rlimits, a watchdog."""
