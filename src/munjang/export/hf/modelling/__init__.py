"""Parts of the modelling file of an export; `munjang.export.hf.compose` joins those of a model.

They import torch and transformers, and never munjang, except for each other. A part is read as a
text: nothing here is run by munjang itself.
"""
