"""A lending library, small on purpose: the tests of the offline engine plant bugs in it."""
