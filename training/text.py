"""Prompts: the sentences that stand for a finding and for its absence."""

from collections.abc import Mapping
from dataclasses import dataclass

from capture.errors import ConfigError
from capture.findings import FINDINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a report says when a finding is there, and when it is not."""

    positive: tuple[str, ...]
    """Sentences that state the finding; their unit vectors are averaged."""
    negative: tuple[str, ...]
    """Sentences that deny it."""

    def __post_init__(self) -> None:
        if not self.positive or not self.negative:
            raise ConfigError("a prompt needs a positive and a negative sentence")


def _sided(name: str, *more: str) -> Prompt:
    """Prompts of a finding that has a side, worded as reports word it."""
    positive = (
        f"There is a {name}.",
        f"There is a right {name}.",
        f"There is a left {name}.",
        *more,
    )
    return Prompt(
        positive=positive,
        negative=(f"There is no {name}.", f"No {name}.", f"No {name} is seen."),
    )


PROMPTS: dict[str, Prompt] = {
    "No Finding": Prompt(
        positive=(
            "No acute cardiopulmonary abnormality.",
            "The lungs are clear.",
            "Normal chest radiograph.",
        ),
        negative=(
            "There is an opacity in the lung.",
            "There is a pleural effusion.",
            "The heart is enlarged.",
        ),
    ),
    "Enlarged Cardiomediastinum": Prompt(
        positive=("The mediastinum is widened.", "Widened mediastinal contour."),
        negative=(
            "The mediastinal contours are normal.",
            "The mediastinum is not widened.",
        ),
    ),
    "Cardiomegaly": Prompt(
        positive=(
            "The heart is enlarged.",
            "There is cardiomegaly.",
            "The cardiac silhouette is enlarged.",
        ),
        negative=(
            "The heart size is normal.",
            "There is no cardiomegaly.",
            "The cardiac silhouette is normal in size.",
        ),
    ),
    "Lung Opacity": Prompt(
        positive=(
            "There is an opacity in the right lung.",
            "There is an opacity in the left lung.",
            "Patchy airspace opacity.",
        ),
        negative=("The lungs are clear.", "There is no focal opacity."),
    ),
    "Lung Lesion": _sided("pulmonary nodule", "There is a nodule in the lung."),
    "Edema": Prompt(
        positive=(
            "There is pulmonary edema.",
            "Mild interstitial edema.",
            "Pulmonary vascular congestion and edema.",
        ),
        negative=(
            "There is no pulmonary edema.",
            "No pulmonary edema.",
            "No evidence of pulmonary edema.",
        ),
    ),
    "Consolidation": _sided(
        "consolidation", "There is a consolidation in the lower lobe."
    ),
    "Pneumonia": Prompt(
        positive=("Findings are concerning for pneumonia.", "There is pneumonia."),
        negative=("There is no evidence of pneumonia.", "No pneumonia."),
    ),
    "Atelectasis": Prompt(
        positive=(
            "There is atelectasis.",
            "There is right basal atelectasis.",
            "There is left basal atelectasis.",
        ),
        negative=("There is no atelectasis.", "No atelectasis."),
    ),
    "Pneumothorax": _sided("pneumothorax", "There is an apical pneumothorax."),
    "Pleural Effusion": _sided(
        "pleural effusion", "The costophrenic angle is blunted by an effusion."
    ),
    "Pleural Other": Prompt(
        positive=("There is pleural thickening.", "There is a pleural plaque."),
        negative=("There is no pleural thickening.", "No pleural abnormality."),
    ),
    "Fracture": Prompt(
        positive=(
            "There is a rib fracture.",
            "There is a right rib fracture.",
            "There is a left rib fracture.",
        ),
        negative=(
            "There is no rib fracture.",
            "No acute osseous abnormality.",
            "The bones are intact.",
        ),
    ),
    "Support Devices": Prompt(
        positive=(
            "There is a central venous catheter.",
            "A pacemaker is in place.",
            "There is an endotracheal tube.",
        ),
        negative=("There are no support devices.", "No lines or tubes."),
    ),
}
"""Finding to its prompts; looked up by name, never by position."""


def check_prompts(prompts: Mapping[str, Prompt]) -> None:
    """Refuse prompts for names that are no findings.

    Raises:
        ConfigError: A name is not one of the 14 findings.
    """
    extra = sorted(set(prompts) - set(FINDINGS))
    if extra:
        raise ConfigError(
            f"prompts for unknown findings: {', '.join(extra)}; "
            f"known: {', '.join(FINDINGS)}"
        )
