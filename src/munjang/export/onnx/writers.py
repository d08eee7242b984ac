"""The table of kinds of layers: which function writes which.

A class that is not here is not exported, a subclass of one that is here neither, since it may
compute something else. A package that adds an architecture adds its functions to `WRITERS`.
"""

from torch import nn

from munjang.export.onnx import encoders, heads
from munjang.export.onnx.graph import Writer
from munjang.export.onnx.layers import embedding, pooling, positions, recurrent
from munjang.layers.attention import AttentionPooling
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.fasttext_embedding import FastTextEmbedding
from munjang.layers.pooling import Pooling
from munjang.layers.position import LearnedPositions, SinusoidalPositions
from munjang.layers.recurrent import StackedRecurrent
from munjang.layers.segments import SegmentEmbedding
from munjang.layers.subword_embedding import SubwordEmbedding
from munjang.layers.tfidf_linear import TfidfLinear
from munjang.models.bert import Bert
from munjang.models.cnn import Cnn
from munjang.models.gru import Gru
from munjang.models.lstm import Lstm
from munjang.models.mean import Mean
from munjang.models.pair_encoder import PairEncoder
from munjang.models.rnn import Rnn
from munjang.models.transformer import Transformer
from munjang.tasks.heads import Ensemble, Head, LinearEnsemble, MaskedHead, TwoTowers

WRITERS: dict[type[nn.Module], Writer] = {
    TokenEmbedding: embedding.write_embedding,
    SubwordEmbedding: embedding.write_subwords,
    FastTextEmbedding: embedding.write_unknown_fasttext,
    SegmentEmbedding: embedding.write_segments,
    TfidfLinear: embedding.write_tfidf,
    LearnedPositions: positions.write_learned_positions,
    SinusoidalPositions: positions.write_sinusoidal_positions,
    Pooling: pooling.write_pooling,
    AttentionPooling: pooling.write_attention_pooling,
    StackedRecurrent: recurrent.write_stacked,
    Mean: encoders.write_mean_encoder,
    Cnn: encoders.write_cnn,
    Rnn: encoders.write_recurrent,
    Lstm: encoders.write_recurrent,
    Gru: encoders.write_recurrent,
    Transformer: encoders.write_transformer,
    Bert: encoders.write_bert,
    PairEncoder: heads.write_pair_encoder,
    Head: heads.write_head,
    Ensemble: heads.write_ensemble,
    LinearEnsemble: heads.write_linear_ensemble,
    TwoTowers: heads.write_tower,
    MaskedHead: heads.write_masked_head,
}
