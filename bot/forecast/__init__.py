"""How many workers a load needs, what it costs, how long people wait, and which limit binds first."""
