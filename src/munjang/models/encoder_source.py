"""Networks that are no encoders, such as language models, whose weights an encoder can begin with.

As in ULMFiT: Howard and Ruder (2018), "Universal language model fine-tuning for text
classification".
"""

from typing import Any, ClassVar, Protocol, runtime_checkable


@runtime_checkable
class EncoderSource(Protocol):
    """A network that has modules of an encoder, under the names that they have there.

    Attributes:
        encoder_modules: names of the modules.
    """

    encoder_modules: ClassVar[tuple[str, ...]]


@runtime_checkable
class EncoderSourceConfig(Protocol):
    """Settings of a network whose modules the encoder of the same name can begin with."""

    def encoder_settings(self) -> dict[str, Any]:
        """Return the settings of that encoder which the weights determine."""
