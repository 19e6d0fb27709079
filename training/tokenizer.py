"""A WordPiece tokenizer learned from a data set, saved as Hugging Face does."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from capture.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_INSIDE = "##"
Pair = tuple[str, str]


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> "PreTrainedTokenizerBase":
    """Learn a lower-case WordPiece tokenizer; the same texts give the same pieces.

    Args:
        texts: Sentences or reports; their order does not matter.
        vocabulary: Most pieces to learn, special ones and single letters included.

    Returns:
        A fast tokenizer with BERT's special tokens; `save_pretrained` keeps it.

    Raises:
        ConfigError: There is no text to learn from.

    Source:
        Wu et al., Google's Neural Machine Translation System, 2016, arXiv:1609.08144.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    words: Counter[str] = Counter()
    for text in texts:
        clean = normalizer.normalize_str(text)
        words.update(word for word, _ in splitter.pre_tokenize_str(clean))
    if not words:
        raise ConfigError("no training text to learn a tokenizer from")
    pieces = (*SPECIAL, *learn_pieces(words, vocabulary - len(SPECIAL)))
    vocab = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, vocab[name]) for name in SPECIAL[2:4]],
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


def learn_pieces(words: Mapping[str, int], size: int) -> list[str]:
    """Join the pair of pieces that is most frequent, again and again.

    The trainer of the `tokenizers` package breaks ties by the order of a hash map, so
    it differs from run to run; here the pair that comes first in the alphabet wins.

    Args:
        words: How often each word occurs.
        size: Most pieces to return; the letters are all kept even if they are more.

    Returns:
        Letters in alphabetical order, then joined pieces in the order of joining; a
        piece inside a word starts with "##".
    """
    split = {word: [word[0], *(_INSIDE + c for c in word[1:])] for word in words}
    pieces = sorted({piece for found in split.values() for piece in found})
    known = set(pieces)
    counts: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[str]] = defaultdict(set)
    for word, found in split.items():
        _count(counts, where, word, found, words[word])
    while len(pieces) < size and counts:
        pair = min(counts, key=lambda pair: (-counts[pair], pair))
        joined = pair[0] + pair[1].removeprefix(_INSIDE)
        if joined not in known:
            known.add(joined)
            pieces.append(joined)
        for word in sorted(where.pop(pair)):
            _count(counts, where, word, split[word], -words[word])
            split[word] = _join(split[word], pair, joined)
            _count(counts, where, word, split[word], words[word])
        del counts[pair]
    return pieces


def _count(
    counts: Counter[Pair],
    where: defaultdict[Pair, set[str]],
    word: str,
    found: list[str],
    times: int,
) -> None:
    for pair in itertools.pairwise(found):
        counts[pair] += times
        if times > 0:
            where[pair].add(word)
        elif counts[pair] <= 0:
            del counts[pair]


def _join(found: list[str], pair: Pair, joined: str) -> list[str]:
    out: list[str] = []
    for piece in found:
        if out and (out[-1], piece) == pair:
            out[-1] = joined
        else:
            out.append(piece)
    return out
