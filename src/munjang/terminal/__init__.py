"""Terminals: their width, wrapped lines, literal consoles, and a line for a stage."""
