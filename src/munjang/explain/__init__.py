"""Looking inside: data, never drawings."""
