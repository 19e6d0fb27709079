"""The settings of one pretraining run: the command line, and a file in its folder."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from capture.errors import ConfigError, InputError, UnknownNameError, VersionError
from capture.progress import ProgressMode

FORMAT = "radgaze-train-config"
VERSION = 1

ObjectiveName = Literal["clip", "egma"]

_ABOVE_ZERO = (
    "image_size",
    "joint_dim",
    "vocabulary",
    "text_max_tokens",
    "report_max_tokens",
    "max_sentences",
    "epochs",
    "learning_rate",
    "clip_norm",
)
_NOT_NEGATIVE = (
    "pretrained_learning_rate_factor",
    "weight_decay",
    "seed",
    "threads",
    "max_steps",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig:
    """Settings of the image-report contrast that never sees gaze."""

    text_unit: Literal["report", "sentence"] = "report"
    """What an image is compared with: its whole report, or one sentence a step."""
    loss: Literal["infonce", "siglip"] = "infonce"
    """Softmax over the batch, or an independent sigmoid for every pair."""
    positives: Literal["study", "diagonal"] = "study"
    """Whether two readings of one study count as a match of each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgmaConfig:
    """Settings of eye-gaze guided multi-modal alignment."""

    mode: Literal["default", "paper", "official"] = "default"
    """The project's reading, the printed equations, or what the released code does."""
    mass: float = 0.8
    """Share of a sentence's dwell time that the cells labeled as looked at hold."""
    sparsity: float = 2 / 7
    """Row-scaled similarity from which a pair counts in the cross-modality mapping."""
    sentence_weight: float = 0.5
    """Weight of sentence to patch in the gaze term, the rest is patch to sentence; as
    released (mode official) it is 0.8 whatever this says."""
    most_cells: float = 0.5
    """Sentences looked at on more than this share of the patches tell nothing apart and
    are dropped (mode default)."""
    contrast_weight: float = 1.0
    """Factor of the fine-grained contrast of images and reports."""
    gaze_weight: float = 1.0
    """Factor of the term that pulls a sentence to the patches looked at during it."""
    mapping_weight: float = 1.0
    """Factor of the cross-modality mapping."""

    def __post_init__(self) -> None:
        if not 0 < self.mass <= 1:
            raise ConfigError(f"egma.mass must lie in (0, 1], got {self.mass}")
        for name in ("sparsity", "sentence_weight", "most_cells"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"egma.{name} must lie in [0, 1], got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """Random changes of a training image; gaze moves with the geometric ones."""

    rotation_deg: float = 5.0
    """Largest rotation either way."""
    scale: float = 0.1
    """Largest change of size either way, as a share."""
    shift: float = 0.05
    """Largest shift either way, as a share of the image side."""
    brightness: float = 0.1
    """Largest change of gray level either way, as a share of white."""
    contrast: float = 0.2
    """Largest change of contrast either way, as a share."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value < 0 or (item.name == "scale" and value >= 1):
                raise ConfigError(
                    f"augment.{item.name} must be at least 0"
                    f"{' and below 1' if item.name == 'scale' else ''}, got {value}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One pretraining run; saved as JSON beside everything that it writes."""

    dataset: Path
    """Folder that `curate` wrote."""
    out: Path
    """Run folder to create."""
    objective: ObjectiveName = "egma"
    """Which of the pretraining methods to optimize."""
    vision: str = "tiny-resnet"
    """Image encoder: tiny-resnet, tiny-vit, tiny-swin, or any Hugging Face model."""
    text: str = "tiny-bert"
    """Text encoder: tiny-bert, or any Hugging Face model."""
    image_size: int = 224
    """Side of the square that the image encoder sees, in pixels."""
    image_pool: Literal["mean", "cls"] = "mean"
    """How patches become one vector: their mean, or the encoder's class token."""
    joint_dim: int = 256
    """Width of the space that images and sentences share."""
    vocabulary: int = 2000
    """Most word pieces a tokenizer trained on this data set may have (tiny-bert)."""
    text_max_tokens: int = 64
    """A sentence longer than this is cut."""
    report_max_tokens: int = 256
    """A report longer than this is cut."""
    max_sentences: int = 24
    """A report's sentences beyond this many are left out of its batch."""
    epochs: int = 30
    """Passes over the training split."""
    batch_size: int = 64
    """Images per optimizer step and device."""
    learning_rate: float = 1e-3
    """Peak of the schedule."""
    pretrained_learning_rate_factor: float = 1.0
    """Multiplies the learning rate of the two encoders, not of the projections."""
    weight_decay: float = 0.05
    """AdamW decay of matrices; vectors such as biases are not decayed."""
    warmup_share: float = 0.1
    """Share of the steps over which the learning rate rises from zero."""
    clip_norm: float = 1.0
    """Largest norm of the gradient."""
    gaze_fraction: float = 1.0
    """Share of the readings with gaze whose gaze is used; smaller sets are nested."""
    gaze_control: Literal["none", "shuffle", "prior"] = "none"
    """Control runs: swap gaze between images, or give every sentence the mean map."""
    keep: Literal["best", "last"] = "best"
    """Which epoch `model/` holds: lowest validation loss, or the last."""
    seed: int = 0
    """Fixes the initial weights, the order of the images and the augmentation."""
    device: Literal["auto", "cpu"] = "auto"
    """Use an accelerator where there is one, or never."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision of the encoders; losses are always computed in float32."""
    threads: int = 0
    """Processor threads; 0 leaves the choice to torch."""
    resume: bool = False
    """Go on from the newest checkpoint in `out`."""
    max_steps: int = 0
    """Stop after this many steps, schedule unchanged; 0 means never."""
    progress: ProgressMode = "auto"
    """How to tell of progress on stderr."""
    clip: ClipConfig = field(default_factory=ClipConfig)
    """Settings of objective clip."""
    egma: EgmaConfig = field(default_factory=EgmaConfig)
    """Settings of objective egma."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """Random changes of training images."""

    def __post_init__(self) -> None:
        if self.objective not in get_args(ObjectiveName):
            raise UnknownNameError("objective", self.objective, get_args(ObjectiveName))
        if self.batch_size < 2:
            raise ConfigError(
                f"batch_size must be at least 2, got {self.batch_size}: contrastive "
                "objectives compare the images of a batch with each other"
            )
        for name in ("gaze_fraction", "warmup_share"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} must lie in [0, 1], got {value}")
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            if not value > 0:
                raise ConfigError(f"{name} must be above 0, got {value}")
        for name in _NOT_NEGATIVE:
            value = getattr(self, name)
            if not value >= 0:
                raise ConfigError(f"{name} must be at least 0, got {value}")

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain JSON values, with format and version."""
        values = asdict(self)
        for name in ("dataset", "out"):
            values[name] = str(values[name])
        return {"format": FORMAT, "version": VERSION} | values


_NESTED = {"clip": ClipConfig, "egma": EgmaConfig, "augment": AugmentConfig}


def config_from_json(values: dict[str, Any], path: Path) -> TrainConfig:
    """Rebuild the settings that `TrainConfig.to_json` wrote.

    Args:
        values: The parsed JSON object.
        path: Where it was read, for the message.

    Raises:
        VersionError: It is another format or version.
        InputError: A setting is missing, or is not one of this version.
    """
    if values.get("format") != FORMAT or values.get("version") != VERSION:
        raise VersionError(path, FORMAT, values.get("version"), VERSION)
    known = {item.name for item in fields(TrainConfig)}
    chosen = {name: value for name, value in values.items() if name in known}
    try:
        for name in ("dataset", "out"):
            chosen[name] = Path(chosen[name])
        for name, kind in _NESTED.items():
            if name in chosen:
                chosen[name] = kind(**chosen[name])
        return TrainConfig(**chosen)
    except (KeyError, TypeError) as error:
        raise InputError(path, f"is damaged: {error}", "give another run") from error
