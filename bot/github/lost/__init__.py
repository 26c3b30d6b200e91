"""What GitHub reports about deliveries that did not arrive, and comments written meanwhile."""
