"""A WordPiece tokenizer learned from a data set, saved as Hugging Face does."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from capture.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> "PreTrainedTokenizerBase":
    """Learn a lower-case WordPiece tokenizer; the same texts give the same pieces.

    Args:
        texts: Sentences or reports; their order does not matter.
        vocabulary: Most pieces to learn, special ones included.

    Returns:
        A fast tokenizer with BERT's special tokens; `save_pretrained` keeps it.

    Raises:
        ConfigError: There is no text to learn from.

    Source:
        Wu et al., Google's Neural Machine Translation System, 2016, arXiv:1609.08144.
    """
    from tokenizers import (
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
        trainers,
    )
    from transformers import PreTrainedTokenizerFast

    unique = sorted(set(texts))
    if not any(text.strip() for text in unique):
        raise ConfigError("no training text to learn a tokenizer from")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL), show_progress=False
    )
    tokenizer.train_from_iterator(unique, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in SPECIAL[2:4]],
    )
    fast: Any = PreTrainedTokenizerFast
    made: PreTrainedTokenizerBase = fast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
    return made
