"""Pages for operators that only show: how variants do, and what was refused for safety's sake."""
