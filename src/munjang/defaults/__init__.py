"""Default settings by architecture, script of the text and size of the data."""
