"""An order of candidates learned from fixes of the past, and how a mend compares with a known fix."""
