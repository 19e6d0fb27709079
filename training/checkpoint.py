"""The run folder: the model other programs read, and the state a run resumes from."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from capture.errors import InputError, VersionError, writing
from training.config import TrainConfig, config_from_json
from training.encoders import (
    TextEncoder,
    VisionEncoder,
    load_pretrained,
    save_pretrained,
)
from training.model import ImageTextModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MODEL_FORMAT, CHECKPOINT_FORMAT = "radgaze-model", "radgaze-checkpoint"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRun:
    """A trained model with what is needed to use it."""

    model: ImageTextModel
    """In evaluation mode, on the processor."""
    tokenizer: "PreTrainedTokenizerBase"
    """The tokenizer that the model's text encoder was trained with."""
    config: TrainConfig
    """The settings of the run."""
    info: dict[str, Any]
    """Contents of model.json: step, epoch, validation loss, data set identity."""
    folder: Path
    """The run folder."""


def save_model(folder: Path, model: ImageTextModel, info: Mapping[str, Any]) -> None:
    """Write the model so that Hugging Face loaders read both encoders.

    Args:
        folder: The run's `model` folder; replaced as a whole.
        model: What to save.
        info: Plain JSON values to keep in model.json.

    Raises:
        DiskFullError: No space is left; what was there before is kept.
        InputError: Nothing can be written there.
    """
    heads = {
        name: getattr(model, name).weight.detach().cpu().contiguous()
        for name in ("image_projection", "text_projection")
    }
    values = {
        "format": MODEL_FORMAT,
        "version": VERSION,
        "joint_dim": model.joint_dim,
        "image_size": model.image_size,
        "image_pool": model.vision.pool,
        "image_mean": model.vision.mean.flatten().tolist(),
        "image_std": model.vision.std.flatten().tolist(),
        "text_max_tokens": model.text_max_tokens,
    }
    with _replacing(folder) as part:
        save_pretrained(model.vision.model, part / "vision")
        save_pretrained(model.text.model, part / "text")
        model.tokenizer.save_pretrained(part / "text")
        save_file(heads, part / "heads.safetensors")
        _write_json(part / "model.json", values | dict(info))


def load_model(run: Path) -> LoadedRun:
    """Load the model of a finished or a running run.

    Args:
        run: The run folder.

    Raises:
        InputError: A file is missing or damaged.
        VersionError: It was written in another version.
    """
    from transformers import AutoTokenizer

    folder = run / "model"
    recover(folder)
    config = config_from_json(read_json(run / "config.json"), run / "config.json")
    info = read_json(folder / "model.json")
    if info.get("format") != MODEL_FORMAT or info.get("version") != VERSION:
        raise VersionError(folder, MODEL_FORMAT, info.get("version"), VERSION)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder / "text")
        vision = VisionEncoder(
            load_pretrained(folder / "vision", "image encoder"),
            info["image_mean"],
            info["image_std"],
            info["image_pool"],
        )
        text = TextEncoder(load_pretrained(folder / "text", "text encoder"))
        heads = load_file(folder / "heads.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(folder, f"cannot load the model: {error}") from error
    model = ImageTextModel(
        vision,
        text,
        tokenizer,
        joint_dim=info["joint_dim"],
        image_size=info["image_size"],
        text_max_tokens=info["text_max_tokens"],
    )
    with torch.no_grad():
        for name, weight in heads.items():
            getattr(model, name).weight.copy_(weight)
    model.eval()
    return LoadedRun(
        model=model, tokenizer=tokenizer, config=config, info=info, folder=run
    )


def save_checkpoint(
    folder: Path,
    modules: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    state: Mapping[str, Any],
) -> None:
    """Write everything a run needs to go on as if it had never stopped.

    Args:
        folder: Folder of this checkpoint; replaced as a whole.
        modules: Model and objective.
        optimizer: Its moments are saved as tensors, nothing is pickled.
        state: Plain JSON values: step, best loss and so on.

    Raises:
        DiskFullError: No space is left; what was there before is kept.
        InputError: Nothing can be written there.
    """
    weights = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in modules.state_dict().items()
    }
    moments, scalars = _flatten_optimizer(optimizer)
    header = {"format": CHECKPOINT_FORMAT, "version": VERSION, "optimizer": scalars}
    with _replacing(folder) as part:
        save_file(weights, part / "weights.safetensors")
        save_file(moments, part / "optimizer.safetensors")
        _write_json(part / "state.json", header | {"state": dict(state)})


def load_checkpoint(
    folder: Path, modules: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Bring modules and optimizer back to a saved state and return the rest of it.

    Args:
        folder: What `save_checkpoint` wrote.
        modules: Same shapes as the saved ones.
        optimizer: Same parameter order as the saved one.

    Raises:
        InputError: The files are missing, damaged or of another model.
        VersionError: It was written in another version.
    """
    header = read_json(folder / "state.json")
    if header.get("format") != CHECKPOINT_FORMAT or header.get("version") != VERSION:
        raise VersionError(folder, CHECKPOINT_FORMAT, header.get("version"), VERSION)
    try:
        weights = load_file(folder / "weights.safetensors")
        moments = load_file(folder / "optimizer.safetensors")
        modules.load_state_dict(weights)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise InputError(
            folder, f"cannot resume from this checkpoint: {error}"
        ) from error
    _restore_optimizer(optimizer, moments, header["optimizer"])
    state: dict[str, Any] = header["state"]
    return state


def recover(folder: Path) -> bool:
    """Say whether `folder` is there, after undoing a replacement that was cut short."""
    old = folder.with_name(folder.name + ".old")
    if old.is_dir() and not folder.exists():
        old.replace(folder)
    return folder.is_dir()


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: The file is missing or is not a JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(path, "no such file", "give a run folder") from error
    except (OSError, ValueError) as error:
        raise InputError(path, f"not readable as JSON: {error}") from error
    if not isinstance(values, dict):
        raise InputError(path, "holds no JSON object")
    return values


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON object beside `path`, then rename it into place.

    Raises:
        DiskFullError: No space is left.
        InputError: Nothing can be written there.
    """
    part = path.with_name(path.name + ".part")
    with writing(path):
        _write_json(part, values)
        part.replace(path)


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    text = json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8")


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of `folder` if it was filled."""
    part, old = (folder.with_name(folder.name + end) for end in (".part", ".old"))
    with writing(folder):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            yield part
        except (OSError, SafetensorError) as error:
            shutil.rmtree(part, ignore_errors=True)  # its space is wanted elsewhere
            raise _as_os_error(error) from error
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.replace(old)
        part.replace(folder)
        shutil.rmtree(old, ignore_errors=True)


def _as_os_error(error: OSError | SafetensorError) -> OSError:
    if isinstance(error, OSError):
        return error
    number = re.search(
        r"(?:os error|code:) (\d+)", str(error)
    )  # safetensors only says it in words
    return OSError(int(number[1]) if number else 0, str(error))


def _flatten_optimizer(
    optimizer: torch.optim.Optimizer,
) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    moments = {
        f"{index}.{name}": value.detach()
        .cpu()
        .clone(memory_format=torch.contiguous_format)
        for index, slots in optimizer.state_dict()["state"].items()
        for name, value in slots.items()
    }
    scalars = [{"lr": float(group["lr"])} for group in optimizer.param_groups]
    return moments, scalars


def _restore_optimizer(
    optimizer: torch.optim.Optimizer,
    moments: Mapping[str, Tensor],
    scalars: list[dict[str, float]],
) -> None:
    saved = optimizer.state_dict()
    order = [p for group in optimizer.param_groups for p in group["params"]]
    slots: dict[int, dict[str, Tensor]] = {}
    for key, value in moments.items():
        index, name = key.split(".", 1)
        if value.shape == order[int(index)].shape:
            # in memory as the parameter lies, which files do not keep
            value = torch.empty_like(order[int(index)], dtype=value.dtype).copy_(value)
        slots.setdefault(int(index), {})[name] = value.detach()
    saved["state"] = slots
    for group, values in zip(saved["param_groups"], scalars, strict=True):
        group.update(values)
    optimizer.load_state_dict(saved)
