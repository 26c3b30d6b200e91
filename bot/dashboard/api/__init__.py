"""Tasks, runs and figures for programs, as JSON: what a person may see, by a token of theirs."""
