"""Changes of single values in files of rows: whatever is not changed stays byte for byte."""
