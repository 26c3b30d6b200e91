"""An operator's commands: who may ask, what runs teach, what a hostile model could do."""
