"""Networks whose tables are rounded to whole numbers of 8 bits, with a scale per row."""

import copy

import torch
from torch import nn

from munjang.export.web.arrays import round_rows
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.subword_table import SubwordTable
from munjang.layers.tfidf_linear import TfidfLinear

_TABLES = (TokenEmbedding, SubwordTable, TfidfLinear)


@torch.no_grad()
def round_tables(network: nn.Module) -> nn.Module:
    """Return a copy of a network that computes what a page with rounded tables does."""
    rounded = copy.deepcopy(network)
    for module in rounded.modules():
        if isinstance(module, _TABLES) and module.weight.shape[1] > 1:
            numbers, scales = round_rows(module.weight.float().cpu().numpy())
            rows = torch.from_numpy(numbers).float() * torch.from_numpy(scales)[:, None]
            module.weight.copy_(rows)
    return rounded
