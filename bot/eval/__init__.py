"""Measure a model: tasks with known tests, the same attempt as ``hob solve``, a judge that it cannot edit."""
