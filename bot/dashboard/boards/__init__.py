"""Pages for operators that only show: how variants do, what was refused, learned, and is forecast."""
