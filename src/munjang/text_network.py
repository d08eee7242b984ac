"""The network of a text recipe: encoder and head, its members, a linear model beside."""

from collections.abc import Sequence

from torch import nn

from munjang.data.batches import Examples
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.subword_embedding import SubwordEmbedding
from munjang.layers.tfidf_linear import TfidfLinear
from munjang.models.registry import build_encoder
from munjang.recipe import Recipe
from munjang.tasks.head import Beside, Members
from munjang.tasks.task import Task
from munjang.telling import counted, stage


def text_network(recipe: Recipe, task: Task, vocabulary_size: int) -> nn.Module:
    """A fresh network of `recipe`, from torch's generator; nothing in it has seen a text yet.

    It gives logits [batch, outputs] of `ids`, `mask` [batch, time]; in training, where it has
    several members, a list of theirs.
    """
    config = recipe.model
    members = [task.network(build_encoder(config, vocabulary_size)) for _ in range(config.members)]
    network = members[0] if len(members) == 1 else Members(members)
    if not config.linear_share:
        return network
    linear = TfidfLinear(
        vocabulary_size,
        task.outputs,
        ngrams=config.linear_ngrams,
        buckets=config.linear_buckets,
    )
    return Beside(network, linear, config.linear_share)


def learn_texts(
    network: nn.Module,
    task: Task,
    train: Examples,
    *,
    tokens: Sequence[str],
    unknown: Sequence[str],
) -> None:
    """Let all in `network` that looks at texts before the first step do so.

    Args:
        network: fresh.
        task: solves the linear model beside, where there is one.
        train: the training part, with targets.
        tokens: the vocabulary, in the order of its ids.
        unknown: words whose ids follow on those, see `munjang.data.encode.EncodedTexts`.
    """
    for module in network.modules():
        batches = train.in_order_of_length(batch_rows=8192)
        if isinstance(module, TokenEmbedding):
            with stage("counting n-grams"):
                module.count_ngrams((batch.ids, batch.lengths) for batch in batches)
        if isinstance(module, SubwordEmbedding):
            module.fit(tokens)
            module.set_oov_words(unknown)
        if isinstance(module, TfidfLinear) and train.targets is not None:
            texts = ((batch.ids, batch.mask, batch.rows) for batch in batches)
            with stage(f"solving the linear model of {counted(len(train), 'text')}"):
                module.fit(texts, train.targets, task.solve)
