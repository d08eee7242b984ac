"""Pages that need no network: HTML and SVG, every text of a user escaped."""
