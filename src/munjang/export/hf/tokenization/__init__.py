"""Parts of the tokenization file of an export, beside those of `munjang.runners`.

A part is read as a text: nothing here is run by munjang itself.
"""
