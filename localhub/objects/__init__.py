"""How GitHub shows each thing, in REST answers and webhook payloads alike: pure functions from rows to JSON."""
