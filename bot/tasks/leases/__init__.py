"""Which worker holds a task. A lease expires when its worker dies, and another one may claim the task."""
