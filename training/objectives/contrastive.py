"""Losses that several objectives share: each compares the images of a batch."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def same_study(study: Tensor) -> Tensor:
    """Mark the pairs of readings that belong to one study.

    Args:
        study: (b,) int64 study numbers.

    Returns:
        (b, b) bool; the diagonal is True.
    """
    return study[:, None] == study[None, :]


def info_nce(logits: Tensor, positives: Tensor, present: Tensor) -> Tensor:
    """Average the softmax cross entropy of every row against its positives.

    Args:
        logits: (b, b) scaled similarities; row i is what is looked up, columns are the
            candidates.
        positives: (b, b) bool; a row's target is uniform over its positives.
        present: (b,) bool; an absent item is neither row nor candidate.

    Returns:
        () mean over the present rows, in nats; 0 if none is present.

    Source:
        van den Oord et al., Contrastive Predictive Coding, 2018, arXiv:1807.03748;
        several positives as in Khosla et al., 2020, arXiv:2004.11362, eq. 2.
    """
    pair = present[:, None] & present[None, :]
    log_p = torch.log_softmax(_closed(logits, pair), dim=1)
    target = (positives & pair).float()
    target = target / target.sum(1, keepdim=True).clamp(min=1)
    per_row = -torch.where(target > 0, log_p * target, 0).sum(1)
    return per_row.sum() / present.sum().clamp(min=1)


def siglip(
    similarity: Tensor, positives: Tensor, present: Tensor, scale: Tensor, bias: Tensor
) -> Tensor:
    """Classify every image-text pair on its own as a match or not.

    Args:
        similarity: (b, b) cosines.
        positives: (b, b) bool.
        present: (b,) bool; pairs with an absent item do not count.
        scale: (1,) factor of the cosine.
        bias: (1,) added to it.

    Returns:
        () sum over pairs divided by the present images; 0 if none is present.

    Source:
        Zhai et al., Sigmoid Loss for Language Image Pre-Training, ICCV 2023,
        arXiv:2303.15343.
    """
    pair = present[:, None] & present[None, :]
    sign = torch.where(positives, 1.0, -1.0)
    log_p = logsigmoid(sign * (scale * similarity + bias))
    return -torch.where(pair, log_p, 0).sum() / present.sum().clamp(min=1)


def _closed(logits: Tensor, pair: Tensor) -> Tensor:
    # an absent row keeps one finite entry, so that neither its softmax nor its
    # gradient is NaN; its target is empty
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    logits = logits.masked_fill(~pair, float("-inf"))
    return logits.masked_fill(own & ~pair, 0.0)
