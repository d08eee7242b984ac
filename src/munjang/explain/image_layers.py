"""The arithmetic of `image_cnn`, by formula."""

from collections.abc import Iterator

from munjang.explain.layers import LayerShape
from munjang.layers.image_convolution import zeros_around
from munjang.models.image_cnn import ImageCnnConfig, ImageShape, Layer


def image_cnn_layers(config: ImageCnnConfig, shape: ImageShape) -> Iterator[LayerShape]:
    """Every layer over an image of `shape` (channels, height, width).

    Raises:
        ConfigError: nothing is left of such an image; the layer is named.
    """
    channels, *before = shape
    sizes = config.sizes(*before)
    for number, (layer, (convolved, pooled)) in enumerate(
        zip(config.layers, sizes, strict=True), start=1
    ):
        window = layer.kernel**2 * channels
        yield LayerShape(
            f"convolution {number}",
            (*convolved, layer.filters),
            parameters=(window + 1) * layer.filters,
            multiply_adds=convolved[0] * convolved[1] * window * layer.filters,
            how=_both_ways([_convolved(one, layer) for one in before]),
            module=f"blocks.{number - 1}.convolution",
            output=f"blocks.{number - 1}.convolution",
        )
        if layer.pool > 1:
            yield LayerShape(
                f"pooling {number}, {config.pooling}",
                (*pooled, layer.filters),
                how=_both_ways(
                    [f"{one} / {layer.pool} ↓ {one // layer.pool}" for one in convolved]
                ),
                output=f"blocks.{number - 1}.pooling",
            )
        channels, before = layer.filters, list(pooled)
    yield _vector(config, channels, before)


def _convolved(size: int, layer: Layer) -> str:
    kernel, stride = layer.kernel, layer.stride
    if layer.padding == "same":
        zeros = sum(zeros_around(size, kernel, stride, "same"))
        return f"({size} + {zeros} zeros - {kernel}) / {stride} + 1 = {-(-size // stride)}"
    sign = "↓" if (size - kernel) % stride else "="
    return f"({size} - {kernel}) / {stride} + 1 {sign} {(size - kernel) // stride + 1}"


def _both_ways(found: list[str]) -> str:
    return found[0] if found[0] == found[1] else f"{found[0]} by {found[1]}"


def _vector(config: ImageCnnConfig, filters: int, size: list[int]) -> LayerShape:
    height, width = size
    if config.pooled == "flat":
        how = f"{height} x {width} x {filters}, one behind the other"
        return LayerShape("vector", (height * width * filters,), how=how, output="", again=True)
    return LayerShape("vector", (filters,), how=f"the {config.pooled} of each map", output="")
