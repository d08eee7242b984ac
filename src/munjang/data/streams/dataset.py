"""Dataset of one stream of tokens, cut into rows that go on from batch to batch.

The stream of an epoch is a circle that is entered at a random token. `batch_size` rows start at
equal distances, and every batch has the next `window` tokens of each of them:

    batch 1   batch 2   batch 3
    a b c     d e f     g h i      row 1
    m n o     p q r     s t u      row 2

so that a recurrent network can carry its state from a batch to the next one (truncated
back-propagation through time, Williams and Peng 1990). The target of each token is the next one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.data.buckets import Bucketing, Group
from munjang.data.order import BatchOrder
from munjang.text.columns import Int32s, Int64s


@dataclass(frozen=True)
class StreamBatch:
    """The next tokens of some rows of a stream.

    Attributes:
        ids: [batch, time] int64.
        previous: the tokens before them, [batch, before] int64; PAD where there is none.
        begins: True if the rows do not continue those of the batch before, [] bool.
        targets: the token after each of `ids`, [batch x time] int64; None for prediction.
        rows: number of each row, [batch] int64.
    """

    ids: Tensor
    previous: Tensor
    begins: Tensor
    rows: Tensor
    targets: Tensor | None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The arguments of a language model."""
        return self.ids, self.previous, self.begins

    @property
    def size(self) -> int:
        """Number of tokens."""
        return self.ids.numel()

    @property
    def row_sizes(self) -> Tensor:
        """Number of tokens of each row, [batch]: all have as many."""
        return torch.full_like(self.rows, self.ids.shape[1])

    def take(self, rows: Tensor) -> "StreamBatch":
        """Return the rows at some places, in that order."""
        targets = self.targets
        if targets is not None:
            targets = targets.view_as(self.ids)[rows].flatten()
        return StreamBatch(
            self.ids[rows], self.previous[rows], self.begins, self.rows[rows], targets
        )

    def to(self, device: torch.device) -> "StreamBatch":
        """Return the batch on another device."""
        if device.type == "cpu":
            return self
        moved: dict[str, Any] = {
            name: value.to(device) if isinstance(value, Tensor) else value
            for name, value in vars(self).items()
        }
        return StreamBatch(**moved)


@dataclass(frozen=True)
class StreamGroup(Group):
    """Rows of one batch: `rows` has the position of the first token of each row.

    Attributes:
        begins: True if they do not continue those of the batch before.
    """

    begins: bool = True


@dataclass(frozen=True)
class StreamDataset:
    """One stream of tokens.

    Attributes:
        ids: the tokens, [tokens] int32.
        window: tokens of a row of a batch.
        before: number of tokens before a row that its batch has, too.
        characters: number of characters of the text, line breaks included.
        bytes: number of its bytes in UTF-8.
        unknown_bytes: number of the bytes of tokens that are out of vocabulary.
        timed_rows: tokens by which the time of an evaluation is estimated: recurrent networks read
            a long text in parts side by side, several times as fast as a short one.
    """

    ids: Int32s
    window: int
    before: int = 0
    characters: int = 0
    bytes: int = 0
    unknown_bytes: int = 0
    unit: ClassVar[str] = "tokens"
    timed_rows: ClassVar[int] = 2**15
    targets: ClassVar[npt.NDArray[Any] | None] = None

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.ids)

    @property
    def lengths(self) -> Int64s:
        """1 for each token."""
        return np.ones(len(self), dtype=np.int64)

    def take(self, indices: Int64s) -> "StreamDataset":
        """Return some tokens, as a stream."""
        return StreamDataset(self.ids[indices], self.window, self.before)

    def order(self, bucketing: Bucketing, seed: int) -> BatchOrder:
        """Return the order of batches that a seed determines."""
        return StreamOrder(len(self), self.window, bucketing.batch_size or 1, seed)

    def batches(self, groups: Iterable[Group]) -> Iterator[StreamBatch]:
        """Yield the batch of each group of a `StreamOrder`."""
        for group in groups:
            assert isinstance(group, StreamGroup)
            steps = np.arange(-self.before, group.time + 1)
            # the end of the text is followed by its beginning
            ids = self.ids[(group.rows[:, None] + steps) % len(self)].astype(np.int64)
            tokens = torch.from_numpy(ids)
            now = slice(self.before, self.before + group.time)
            yield StreamBatch(
                ids=tokens[:, now],
                previous=tokens[:, : self.before],
                begins=torch.tensor(group.begins),
                rows=torch.arange(len(ids)),
                targets=tokens[:, self.before + 1 :].flatten(),
            )

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[StreamBatch]:
        """Yield all tokens once, in batches of rows of a window, in the order of the text."""
        order = StreamOrder(len(self), self.window, 1, 0)
        starts = np.arange(0, len(self), self.window)
        for first in range(0, len(starts), batch_size):
            rows = starts[first : first + batch_size]
            yield from self.batches([StreamGroup(rows, order.time)])


@dataclass(frozen=True)
class StreamOrder:
    """Order of the batches of a stream.

    Attributes:
        tokens: tokens of the stream.
        window: most tokens of a row of a batch.
        batch_size: most rows of a batch.
        seed: random seed of the run.
    """

    tokens: int
    window: int
    batch_size: int
    seed: int

    @property
    def rows(self) -> int:
        """Rows of a batch: fewer than `batch_size` if the text is short."""
        return max(1, min(self.batch_size, self.tokens // self.window))

    @property
    def time(self) -> int:
        """Tokens of a row of a batch."""
        return max(1, min(self.window, self.tokens - 1))

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return max(1, self.tokens // (self.rows * self.time))

    def groups(self, epoch: int, first: int = 0) -> Iterator[StreamGroup]:
        """Yield the batches of an epoch, from the batch number `first` on."""
        start = np.random.default_rng((self.seed, epoch)).integers(self.tokens)
        rows = start + np.arange(self.rows, dtype=np.int64) * (self.tokens // self.rows)
        for step in range(first, self.steps(epoch)):
            yield StreamGroup(rows + step * self.time, self.time, begins=step == 0)

    def sample(self) -> list[Group]:
        """Return one batch: all are of one size."""
        return [next(self.groups(0))]

    def padding_share(self) -> float:
        """Return 0: there is no padding."""
        return 0.0
