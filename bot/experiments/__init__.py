"""Variants on live work: outcomes of the tasks with one value of a flag, compared with those of another
value.
"""
