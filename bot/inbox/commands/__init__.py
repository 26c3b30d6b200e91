"""``@hob stop``, ``@hob try 3`` and so on: parsing them, running them, and their answers."""
