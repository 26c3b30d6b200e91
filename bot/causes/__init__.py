"""Why a check does not run: from its output and what is known of the tree."""
