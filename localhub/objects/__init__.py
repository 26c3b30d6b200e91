"""How GitHub shows each thing, in REST answers and webhook payloads alike: functions from rows to JSON."""
