"""What of a change looks as if it were made for the checks: no run can tell, so people are told of it."""
