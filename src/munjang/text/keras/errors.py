"""Errors that existing code, written for Keras, already knows how to catch."""

from munjang.errors import ConfigError, DataError


class InputTypeError(DataError, AttributeError, TypeError):
    """A text or a sequence that is not one: Keras lets an AttributeError or TypeError through."""


class SettingTypeError(ConfigError, TypeError):
    """A setting of a wrong type: Keras lets a TypeError through."""


class NumberTooLargeError(DataError, OverflowError):
    """A number that the asked-for type cannot hold: Keras lets an OverflowError through."""
