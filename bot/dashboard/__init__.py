"""Pages for people: the tasks and what each run did."""
