"""Hob: a coding teammate that lives in GitHub. Read ``bot/domain.py`` first, then ``bot/run/pipeline.py``."""

__version__ = "0.1.0"
