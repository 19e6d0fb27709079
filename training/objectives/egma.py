"""EGMA: gaze aligns sentences with patches. Ma et al., NeurIPS 2024, arXiv:2403.12416.

Three terms: a fine-grained contrast of images and reports, a multi-label loss between
each sentence and the patches looked at during it, and a mapping of either modality into
the other through similarity and gaze. The released code departs from the printed
equations in places; `EgmaConfig.mode` chooses.
"""

from collections.abc import Mapping
from typing import ClassVar, Self

import torch
from torch import Tensor
from torch.nn.functional import normalize

from training.config import EgmaConfig, TrainConfig
from training.objectives.base import Objective, require_two
from training.objectives.contrastive import info_nce, same_study

_EIGHT_BIT_FLOOR = 510  # half a gray level of an 8-bit map


class Egma(Objective):
    """Eye-gaze guided multi-modal alignment."""

    fields: ClassVar[frozenset[str]] = frozenset({"sentences", "fixations"})

    def __init__(self, config: EgmaConfig | None = None) -> None:
        super().__init__()
        self.config = config or EgmaConfig()
        self.text_unit = "sentences"

    @classmethod
    def from_config(cls, config: TrainConfig) -> Self:
        """Build it with the settings `egma` of a run."""
        return cls(config.egma)

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the loss, its three terms, and what each was averaged over."""
        require_two(batch)
        mode = self.config.mode
        patches, texts = batch["patches"].float(), batch["texts"].float()
        mask, gaze = batch["text_mask"], batch["gaze_grid"].float()
        seen = batch["has_gaze"] & mask
        contrast = self._contrast(patches, texts, mask, batch["study"])
        labels = self._labels(gaze, seen)
        own = torch.einsum("bnd,bmd->bmn", patches, texts)
        align, gaze_images = gaze_alignment(
            own if mode == "paper" else self.scale * own,
            labels,
            labels.any(2),
            alpha=0.8 if mode == "official" else self.config.sentence_weight,
            skip_unseen_patches=mode == "default",
        )
        align = align / (len(patches) if mode == "paper" else gaze_images.clamp(min=1))
        gaze = gaze * seen[..., None]
        mapping, mapped = cross_mapping(
            patches, texts, mask, gaze, self.scale, self.config.sparsity
        )
        loss = self.config.contrast_weight * contrast + self.config.gaze_weight * align
        if mode != "official":  # as released, the mapping is switched off
            loss = loss + self.config.mapping_weight * mapping
        return {
            "loss": loss,
            "contrast": contrast,
            "alignment": align,
            "mapping": mapping,
            "gaze_images": gaze_images,
            "gaze_sentences": labels.any(2).sum(),
            "mapped_images": mapped,
        }

    def _contrast(
        self, patches: Tensor, texts: Tensor, mask: Tensor, study: Tensor
    ) -> Tensor:
        if self.config.mode == "official":
            by_patch, by_text = filip_logits(
                patches, texts * mask[..., None], mask, zeros_count=True
            )
            by_text = by_text.T  # the released code contrasts over texts twice
        else:
            by_patch, by_text = filip_logits(patches, texts, mask)
        positives = torch.eye(len(study), dtype=torch.bool, device=study.device)
        if self.config.mode == "default":
            positives = same_study(study)
        present = mask.any(1)
        return (
            info_nce(self.scale * by_patch, positives, present)
            + info_nce(self.scale * by_text.T, positives, present)
        ) / 2

    def _labels(self, gaze: Tensor, seen: Tensor) -> Tensor:
        if self.config.mode != "default":
            return above_floor(gaze) & seen[..., None]
        labels = mass_labels(gaze, self.config.mass) & seen[..., None]
        most = self.config.most_cells * labels.shape[2]
        informative = labels.sum(2, keepdim=True) <= most
        return labels & informative


def filip_logits(
    patches: Tensor, texts: Tensor, mask: Tensor, *, zeros_count: bool = False
) -> tuple[Tensor, Tensor]:
    """Compare every image with every report through best matching parts.

    Args:
        patches: (b, n, d) unit vectors.
        texts: (b, m, d) unit vectors of sentences, padded.
        mask: (b, m) bool, False on padding.
        zeros_count: Let padding take part with what it holds, as the released code
            does with zero vectors.

    Returns:
        Two (b, b), images in rows: the mean over patches of the best sentence, and the
        mean over sentences of the best patch; 0 where a report has no sentence.

    Source:
        Yao et al., FILIP, ICLR 2022, arXiv:2111.07783, eq. 4-5; EGMA, eq. 1-3.
    """
    similarity = torch.einsum("knd,lmd->knlm", patches, texts)
    best_patch = similarity.amax(1)
    if not zeros_count:
        similarity = similarity.masked_fill(~mask, float("-inf"))
    best_text = similarity.amax(3)
    best_text = best_text.masked_fill(~mask.any(1), 0.0)
    count = mask.sum(1).clamp(min=1)
    by_text = best_patch.masked_fill(~mask, 0.0).sum(2) / count
    return best_text.mean(1), by_text


def multilabel_loss(scores: Tensor, labels: Tensor, counted: Tensor) -> Tensor:
    """Push the scores of labeled entries above 0 and all others below.

    Args:
        scores: (..., n) scores.
        labels: (..., n) bool, the entries that belong.
        counted: (..., n) bool, the entries that take part at all.

    Returns:
        (...) loss of each row: log(1 + sum exp(s) over the others)
        + log(1 + sum exp(-s) over the labeled).

    Source:
        Su et al., ZLPR, 2022, arXiv:2208.02955, eq. 5; EGMA, eq. 4-6.
    """
    wrong = scores.masked_fill(labels | ~counted, float("-inf"))
    right = (-scores).masked_fill(~labels | ~counted, float("-inf"))
    zero = torch.zeros_like(scores[..., :1])
    return torch.logsumexp(torch.cat([zero, wrong], -1), -1) + torch.logsumexp(
        torch.cat([zero, right], -1), -1
    )


def gaze_alignment(
    scores: Tensor,
    labels: Tensor,
    usable: Tensor,
    *,
    alpha: float = 0.5,
    skip_unseen_patches: bool = True,
) -> tuple[Tensor, Tensor]:
    """Align each sentence with the patches looked at during it, and the reverse.

    Args:
        scores: (b, m, n) similarity of sentence and patch within each image.
        labels: (b, m, n) bool, looked at.
        usable: (b, m) bool; other sentences neither count nor serve as negatives.
        alpha: Weight of sentence to patch; the rest goes to patch to sentence.
        skip_unseen_patches: Leave out the patches that no sentence looked at: not
            having been fixated is no evidence of being irrelevant.

    Returns:
        () sum over images of the weighted means over rows, and () number of images
        with a usable sentence.
    """
    every = torch.ones_like(labels)
    to_patch = multilabel_loss(scores, labels, every)
    to_patch = _mean_over(to_patch, usable)
    columns = usable[:, :, None].expand_as(labels)
    to_text = multilabel_loss(scores.mT, labels.mT, columns.mT)
    rows = labels.any(1) if skip_unseen_patches else usable.any(1, keepdim=True)
    to_text = _mean_over(to_text, rows.expand_as(to_text))
    return (alpha * to_patch + (1 - alpha) * to_text).sum(), usable.any(1).sum()


def cross_mapping(
    patches: Tensor,
    texts: Tensor,
    mask: Tensor,
    gaze: Tensor,
    scale: Tensor,
    sparsity: float = 2 / 7,
) -> tuple[Tensor, Tensor]:
    """Rebuild each modality from the other, guided by gaze, and find it again.

    Args:
        patches: (b, n, d) unit vectors.
        texts: (b, m, d) unit vectors, padded.
        mask: (b, m) bool, False on padding.
        gaze: (b, m, n) dwell per sentence and patch, any unit; zeros where unknown.
        scale: (1,) factor of the cosines.
        sparsity: Row-scaled similarity from which a pair counts.

    Returns:
        () mean over the images with two sentences or more, 0 if there is none; and
        () their number.

    Source:
        EGMA, eq. 7-8. The threshold is not printed there; 2/7 is the released code's.
    """
    whole = mask[:, :, None].expand(-1, -1, patches.shape[1])
    similarity = torch.einsum("bmd,bnd->bmn", texts, patches)
    peak = gaze.amax(2, keepdim=True)
    gaze = torch.where(peak > 0, gaze / peak.clamp(min=1e-12), 0.0)
    to_text = mapping_weights(similarity, gaze, whole, sparsity)
    to_image = mapping_weights(similarity.mT, gaze.mT, whole.mT, sparsity)
    texts_again = normalize(to_text @ patches, dim=2)
    patches_again = normalize(to_image @ texts, dim=2)
    enough = mask.sum(1) >= 2
    text_loss = _within(texts_again, texts, mask & enough[:, None], scale)
    image_loss = _within(patches_again, patches, enough[:, None] & whole[:, 0], scale)
    per_image = torch.where(enough, (text_loss + image_loss) / 2, 0.0)
    return per_image.sum() / enough.sum().clamp(min=1), enough.sum()


def mapping_weights(
    similarity: Tensor, gaze: Tensor, counted: Tensor, sparsity: float
) -> Tensor:
    """Choose the parts that a row is rebuilt from: the similar and the looked-at ones.

    Args:
        similarity: (b, r, c) cosines.
        gaze: (b, r, c) dwell, scaled to at most 1.
        counted: (b, r, c) bool, False on padding.
        sparsity: Share of a row's range from which an entry counts.

    Returns:
        (b, r, c) weights that sum to 1 in every row with an entry, without gradient.
    """
    with torch.no_grad():
        low = similarity.masked_fill(~counted, float("inf")).amin(2, keepdim=True)
        high = similarity.masked_fill(~counted, float("-inf")).amax(2, keepdim=True)
        spread = high - low
        scaled = (similarity - low) / spread.clamp(min=1e-12)
        chosen = ((scaled >= sparsity) | (spread <= 0)) & counted
        weights = chosen.to(gaze.dtype) + gaze * counted
        return weights / weights.sum(2, keepdim=True).clamp(min=1e-12)


def mass_labels(gaze: Tensor, mass: float = 0.8) -> Tensor:
    """Label the smallest set of cells that holds `mass` of a sentence's dwell.

    Does not depend on the unit of the dwell or on the far tails of a blur.

    Args:
        gaze: (..., n) dwell.
        mass: Share in (0, 1].

    Returns:
        (..., n) bool; none where there was no dwell.
    """
    value, order = gaze.sort(dim=-1, descending=True, stable=True)
    share = value.double() / value.double().sum(-1, keepdim=True).clamp(min=1e-30)
    before = share.cumsum(-1) - share
    # the slack keeps a cell out that rounding alone would let in
    chosen = (before < mass - 1e-9) & (value > 0)
    return torch.zeros_like(chosen).scatter(-1, order, chosen)


def above_floor(gaze: Tensor) -> Tensor:
    """Label every cell that an 8-bit map of the gaze would not show as black.

    Args:
        gaze: (..., n) dwell.

    Returns:
        (..., n) bool; none where there was no dwell.
    """
    peak = gaze.amax(-1, keepdim=True)
    return (gaze >= peak / _EIGHT_BIT_FLOOR) & (gaze > 0)


def _within(x: Tensor, y: Tensor, mask: Tensor, scale: Tensor) -> Tensor:
    """Contrast (b, r, d) rows of x with those of y in one image: (b,) losses."""
    logits = scale * torch.einsum("bid,bjd->bij", x, y)
    pair = mask[:, :, None] & mask[:, None, :]
    own = torch.eye(logits.shape[1], dtype=torch.bool, device=x.device)
    logits = logits.masked_fill(~pair, float("-inf")).masked_fill(own & ~pair, 0.0)
    rows = -torch.log_softmax(logits, 2).diagonal(dim1=1, dim2=2)
    columns = -torch.log_softmax(logits, 1).diagonal(dim1=1, dim2=2)
    return _mean_over((rows + columns) / 2, mask)


def _mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    """Average (b, r) values over the chosen rows: (b,), 0 where none is chosen."""
    total = torch.where(chosen, values, 0.0).sum(1)
    return total / chosen.sum(1).clamp(min=1)
