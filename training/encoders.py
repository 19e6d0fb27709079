"""Image and text encoders: any Hugging Face model, or small built-in ones."""

import inspect
import json
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from capture.errors import ConfigError, InputError

TINY_VISION = ("tiny-resnet", "tiny-vit", "tiny-swin")
TINY_TEXT = "tiny-bert"
_MEAN, _STD = 0.5, 0.25
_HUB_ANSWER_S = 5.0


class PatchFeatures(NamedTuple):
    """What an image encoder says of a batch, before projection."""

    tokens: Tensor
    """(b, n, c) one vector per patch, rows of the grid first."""
    pooled: Tensor
    """(b, c) one vector per image."""
    grid: tuple[int, int]
    """Rows and columns of patches; n is their product."""


class VisionEncoder(nn.Module):
    """A Hugging Face image model, reduced to patch vectors and one pooled vector."""

    mean: Tensor
    std: Tensor

    def __init__(
        self, model: nn.Module, mean: list[float], std: list[float], pool: str
    ) -> None:
        super().__init__()
        # convolutions are fastest when pixels and weights keep their channels together
        kept: Any = _without_pooler(model)
        self.model: nn.Module = kept.to(memory_format=torch.channels_last)
        self.pool = pool
        config: Any = model.config
        self.channels = int(getattr(config, "num_channels", 3))
        self.patch_px = getattr(config, "patch_size", None)
        known = inspect.signature(model.forward).parameters
        self.interpolates = "interpolate_pos_encoding" in known
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), False)

    def forward(self, images: Tensor) -> PatchFeatures:
        """Encode gray images.

        Args:
            images: (b, s, s) float, 0 black to 1 white.

        Returns:
            Patch vectors, pooled vector and grid.
        """
        pixels = (
            images[:, None].expand(-1, self.channels, -1, -1) - self.mean
        ) / self.std
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        options = {"interpolate_pos_encoding": True} if self.interpolates else {}
        hidden = self.model(pixel_values=pixels, **options).last_hidden_state
        if hidden.ndim == 4:
            grid = (int(hidden.shape[2]), int(hidden.shape[3]))
            tokens = hidden.flatten(2).transpose(1, 2)
            return PatchFeatures(tokens, tokens.mean(1), grid)
        grid = self._grid(hidden.shape[1], images.shape[-1])
        n = grid[0] * grid[1]
        tokens = hidden[:, -n:]  # class and register tokens come first
        has_class = hidden.shape[1] > n
        pooled = hidden[:, 0] if self.pool == "cls" and has_class else tokens.mean(1)
        return PatchFeatures(tokens, pooled, grid)

    def _grid(self, length: int, side_px: int) -> tuple[int, int]:
        if isinstance(self.patch_px, int):
            side = side_px // self.patch_px
            if 0 <= length - side * side < 16:
                return side, side
        side = math.isqrt(length)
        return side, side


class TextEncoder(nn.Module):
    """A Hugging Face text model with a masked mean over its tokens."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = _without_pooler(model)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode tokenized text.

        Args:
            ids: (k, l) token ids.
            mask: (k, l) bool, False on padding.

        Returns:
            (k, c) mean of the token vectors, padding left out.
        """
        hidden: Tensor = self.model(
            input_ids=ids, attention_mask=mask.long()
        ).last_hidden_state
        weight = mask[..., None].to(hidden.dtype)
        return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)


def make_vision(name: str, image_size: int, pool: str = "mean") -> VisionEncoder:
    """Build the image encoder called `name`.

    Args:
        name: One of `TINY_VISION`, or a Hugging Face name or local folder.
        image_size: Side of the square images, in pixels.
        pool: "mean" of the patches, or "cls" where the model has a class token.

    Raises:
        InputError: It is neither built in nor can it be loaded.
    """
    if name in TINY_VISION:
        return VisionEncoder(_tiny_vision(name, image_size), [_MEAN], [_STD], pool)
    model = load_pretrained(name, "image encoder")
    mean, std = _normalization(name)
    return VisionEncoder(getattr(model, "vision_model", model), mean, std, pool)


def make_text(name: str, vocabulary: int, max_tokens: int) -> TextEncoder:
    """Build the text encoder called `name`.

    Args:
        name: "tiny-bert", or a Hugging Face name or local folder.
        vocabulary: Number of token ids; used by tiny-bert only.
        max_tokens: Longest text; used by tiny-bert only.

    Raises:
        InputError: It is neither built in nor can it be loaded.
    """
    if name == TINY_TEXT:
        return TextEncoder(_tiny_text(vocabulary, max_tokens))
    model = load_pretrained(name, "text encoder")
    return TextEncoder(getattr(model, "text_model", model))


def _tiny_vision(name: str, image_size: int) -> nn.Module:
    from transformers import (
        ResNetConfig,
        ResNetModel,
        SwinConfig,
        SwinModel,
        ViTConfig,
        ViTModel,
    )

    if name == "tiny-resnet":
        shape = ResNetConfig(
            num_channels=1,
            embedding_size=32,
            hidden_sizes=[32, 64, 160],
            depths=[1, 1, 2],
            layer_type="basic",
        )
        return _conv_init(ResNetModel(shape))
    if name == "tiny-swin":
        swin = SwinConfig(
            image_size=image_size,
            num_channels=1,
            patch_size=4,
            embed_dim=48,
            depths=[1, 1, 2],
            num_heads=[2, 4, 8],
            window_size=4,
        )
        return SwinModel(swin, add_pooling_layer=False)
    vit = ViTConfig(
        image_size=image_size,
        num_channels=1,
        patch_size=16,
        hidden_size=192,
        num_hidden_layers=4,
        num_attention_heads=3,
        intermediate_size=768,
    )
    return ViTModel(vit, add_pooling_layer=False)


def _conv_init(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return model


def _tiny_text(vocabulary: int, max_tokens: int) -> nn.Module:
    from transformers import BertConfig, BertModel

    shape = BertConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=max_tokens,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertModel(shape, add_pooling_layer=False)


def load_pretrained(name: str | Path, what: str = "encoder") -> nn.Module:
    """Load a Hugging Face model, without the pooling layer that nothing here reads.

    Args:
        name: Local folder, or a name on the Hugging Face hub.
        what: What it is for, for the message.

    Raises:
        InputError: It cannot be loaded.
    """
    from transformers import AutoConfig, AutoModel

    where = hub_options(name)
    try:
        with _quiet():
            shape = AutoConfig.from_pretrained(name, **where)
            kind: Any = AutoModel._model_mapping[type(shape)]
            pools = "add_pooling_layer" in inspect.signature(kind).parameters
            options = {"add_pooling_layer": False} if pools else {}
            model: nn.Module = kind.from_pretrained(name, **where, **options)
            return model
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        first = (str(error).strip().splitlines() or ["unknown kind of model"])[0]
        raise InputError(
            name,
            f"cannot load this {what}: {first}",
            "give a folder that holds a saved model, or a name that the Hugging Face "
            f"hub knows; built in: {', '.join((*TINY_VISION, TINY_TEXT))}",
        ) from error


def hub_options(name: str | Path) -> dict[str, bool]:
    """Options for Hugging Face loaders: without a network, only what is here already.

    They would otherwise try again and again, for half a minute a file.
    """
    return {} if Path(name).exists() or _hub_answers() else {"local_files_only": True}


@cache
def _hub_answers() -> bool:
    from huggingface_hub.constants import ENDPOINT

    hub = urlsplit(ENDPOINT)
    if getproxies():  # what is behind a proxy cannot be asked this way
        return True
    port = hub.port or (443 if hub.scheme == "https" else 80)
    try:
        with socket.create_connection((hub.hostname or "", port), _HUB_ANSWER_S):
            return True
    except OSError:
        return False


def save_pretrained(model: nn.Module, folder: Path) -> None:
    """Write a Hugging Face model as safetensors, quietly."""
    saved: Any = model
    with _quiet():
        saved.save_pretrained(folder)


@contextmanager
def _quiet() -> Iterator[None]:
    from transformers.utils import logging

    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def _normalization(name: str) -> tuple[list[float], list[float]]:
    from transformers.utils.hub import cached_file

    found = cached_file(
        name,
        "preprocessor_config.json",
        _raise_exceptions_for_missing_entries=False,
        **hub_options(name),
    )
    if found is None:
        return [_MEAN], [_STD]
    values = json.loads(Path(found).read_text(encoding="utf-8"))
    mean, std = values.get("image_mean", [_MEAN]), values.get("image_std", [_STD])
    if len(mean) != len(std) or not all(value > 0 for value in std):
        raise ConfigError(f"{name}: image_mean {mean} and image_std {std} do not fit")
    return [float(value) for value in mean], [float(value) for value in std]


def _without_pooler(model: nn.Module) -> nn.Module:
    # a pooler that learns gets no gradient here: its output is never read
    pooler = getattr(model, "pooler", None)
    if isinstance(pooler, nn.Module) and any(True for _ in pooler.parameters()):
        model.pooler = None  # type: ignore[assignment]
    return model
