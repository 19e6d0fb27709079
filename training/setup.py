"""What a run starts from: model, optimizer, and a data set that suffices."""

from typing import Any

import torch

from capture.errors import InputError
from curation.dataset import Dataset
from training.config import TrainConfig
from training.data import MissingFieldsError, TrainingData, training_texts
from training.encoders import TINY_TEXT, hub_options, make_text, make_vision
from training.model import ImageTextModel
from training.objectives.base import Objective
from training.step import TrainStep
from training.tokenizer import train_tokenizer


def build_model(config: TrainConfig, dataset: Dataset) -> ImageTextModel:
    """Build the encoders that the settings name, with new projections.

    Args:
        config: Settings of the run.
        dataset: Its training text teaches the tokenizer of the built-in text encoder.

    Raises:
        InputError: An encoder cannot be loaded, or there is no text.
    """
    if config.text == TINY_TEXT:
        texts = training_texts(dataset)
        if not texts:
            raise MissingFieldsError(
                str(config.dataset), config.objective, {"sentences"}
            )
        tokenizer = train_tokenizer(texts, config.vocabulary)
    else:
        tokenizer = _load_tokenizer(config.text)
    longest = max(config.text_max_tokens, config.report_max_tokens)
    return ImageTextModel(
        make_vision(config.vision, config.image_size, config.image_pool),
        make_text(config.text, len(tokenizer), longest),
        tokenizer,
        joint_dim=config.joint_dim,
        image_size=config.image_size,
        text_max_tokens=config.text_max_tokens,
    )


def build_optimizer(config: TrainConfig, module: TrainStep) -> torch.optim.Optimizer:
    """Build AdamW with a slower pace for the encoders, and no decay of vectors."""
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        encoder = name.startswith(("model.vision.", "model.text."))
        groups.setdefault((encoder, parameter.ndim > 1), []).append(parameter)
    factor = config.pretrained_learning_rate_factor
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": config.learning_rate * (factor if encoder else 1.0),
                "weight_decay": config.weight_decay if matrix else 0.0,
            }
            for (encoder, matrix), parameters in sorted(groups.items())
        ],
        betas=(0.9, 0.98),
        fused=True,
    )


def check_fields(config: TrainConfig, data: TrainingData, objective: Objective) -> None:
    """Refuse a training split without what the objective reads.

    Raises:
        InputError: It has fewer than 2 readings with text.
        MissingFieldsError: No reading has a field; gaze may be missing if the settings
            ask for none of it.
    """
    where = str(config.dataset)
    if not len(data):
        text = "report" if data.text_unit == "report" else "sentences"
        raise MissingFieldsError(where, config.objective, {text})
    if len(data) < 2:
        raise InputError(
            where,
            "its training split has a single reading with text, at least 2 are needed",
            "curate more readings",
        )
    reads_gaze = "fixations" in objective.fields and config.gaze_fraction > 0
    if reads_gaze and not len(data.gaze_rows):
        raise MissingFieldsError(
            where, config.objective, {"fixations (or --gaze-fraction 0)"}
        )


def _load_tokenizer(name: str) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **hub_options(name))
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(name, f"cannot load a tokenizer: {first}") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
