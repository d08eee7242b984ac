"""What a terminal needs: its width, wrapped lines, literal consoles, and a line for a stage."""
