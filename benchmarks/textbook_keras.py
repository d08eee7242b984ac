"""Keras 3 as its guides show it, compiled by JAX or TensorFlow."""

import os

import numpy as np

from textbook import (
    DROPOUT,
    FEED_FORWARD,
    FILTERS,
    HEADS,
    HIDDEN,
    LAYERS,
    LONGEST,
    ROWS,
    VOCABULARY,
    WIDTH,
    WIDTHS,
    Arrays,
    random_batches,
    sinusoids,
    time_steps_per_second,
)


def run(model: str, arrays: Arrays, seconds: float, backend: str) -> tuple[int, float]:
    """Tokens and seconds; batches are padded to the next multiple of 16, so few shapes compile.

    Every shape is compiled before the clock runs.
    """
    os.environ["KERAS_BACKEND"] = backend
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras

    keras.utils.set_random_seed(0)
    network = build(model)
    network.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy")
    batches = random_batches(arrays, 16)
    for length in range(16, LONGEST + 1, 16):
        network.train_on_batch(np.ones((ROWS, length), np.int32), np.ones((ROWS, 1), np.float32))

    def step() -> int:
        ids, lengths, targets = next(batches)
        network.train_on_batch(ids.astype(np.int32), targets[:, None].astype(np.float32))
        return int(lengths.sum())

    return time_steps_per_second(step, seconds)


def build(model: str):
    """The network, from ids [batch, time] to a probability [batch, 1]."""
    import keras
    from keras import layers

    inputs = keras.Input((None,), dtype="int32")
    x = layers.Embedding(VOCABULARY, WIDTH, mask_zero=model != "cnn")(inputs)
    if model == "mean":
        pooled = layers.GlobalAveragePooling1D()(x)
    elif model == "cnn":
        maps = [layers.Conv1D(FILTERS, w, activation="relu")(x) for w in WIDTHS]
        pooled = layers.Concatenate()([layers.GlobalMaxPooling1D()(m) for m in maps])
        pooled = layers.Dropout(0.5)(pooled)
    elif model == "transformer":
        pooled = layers.GlobalAveragePooling1D()(_transformer(inputs, x))
    else:
        layer = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}[model]
        pooled = layer(HIDDEN)(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(pooled))


def _transformer(inputs, x):
    from keras import layers, ops

    class Places(layers.Layer):
        """Adds sinusoids; the mask of the embedding goes on."""

        supports_masking = True

        def build(self, shape) -> None:
            self.waves = sinusoids(LONGEST)

        def compute_output_shape(self, shape):
            return shape

        def call(self, x):
            return x + ops.convert_to_tensor(self.waves)[: ops.shape(x)[1]]

    x = layers.Dropout(DROPOUT)(Places()(x))
    for _ in range(LAYERS):
        normed = layers.LayerNormalization(epsilon=1e-5)(x)
        attend = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, dropout=DROPOUT)
        x = x + layers.Dropout(DROPOUT)(attend(normed, normed))
        hidden = layers.Dense(FEED_FORWARD, activation="gelu")(
            layers.LayerNormalization(epsilon=1e-5)(x)
        )
        x = x + layers.Dropout(DROPOUT)(layers.Dense(WIDTH)(layers.Dropout(DROPOUT)(hidden)))
    return layers.LayerNormalization(epsilon=1e-5)(x)
