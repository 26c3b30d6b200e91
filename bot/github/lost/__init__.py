"""What GitHub knows of deliveries that did not arrive, and of what was written meanwhile."""
