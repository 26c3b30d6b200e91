"""What commands of the operator's found: kept for the dashboard."""
