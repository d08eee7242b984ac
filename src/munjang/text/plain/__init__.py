"""Single texts, one after another, without arrays or columns.

The other modules of `munjang.text` read columns of texts, and have these for single ones. Servers
of exported models use them too, as they import neither NumPy nor Polars, and so do the runners in
exported folders, which `munjang.export.compose` joins from modules such as these.
"""
