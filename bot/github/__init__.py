"""Every call to GitHub goes through here."""
