"""The readings of a data set as one table, for statistics and for spreadsheets."""

from pathlib import Path

import numpy as np
import pandas as pd

from curation.dataset import Dataset
from curation.disk import disk_full
from curation.schema import IDS, MASKS, NOT_STATED, QUALITY

_COUNTED = {"sentences": "text", "fixations": "x"}


def readings_table(dataset: Dataset) -> pd.DataFrame:
    """List the readings of a data set, one a row, in its order.

    Args:
        dataset: From `open_dataset`.

    Returns:
        Columns: pseudonymous ids, `split`, the masks, `n_sentences`, `n_fixations`, the
        dwell of all fixations in `dwell_s`, the quality figures, and a column a finding
        (1 present, 0 absent, -1 uncertain; missing where it is not stated).
    """
    table = pd.DataFrame({name: dataset.ids(name) for name in IDS})
    table["split"] = ""
    for split in dataset.document["splits"]:
        table.loc[dataset.rows(split), "split"] = split
    for name in MASKS:
        table[name] = dataset.mask(name)
    for group, column in _COUNTED.items():
        _, offsets = dataset.ragged(group, column)
        table[f"n_{group}"] = np.diff(offsets)
    duration_s, offsets = dataset.ragged("fixations", "duration_s")
    summed_s = np.concatenate([[0.0], np.cumsum(duration_s)])
    table["dwell_s"] = np.diff(summed_s[offsets])
    for name in QUALITY:
        table[name] = dataset.column(f"quality/{name}")
    for number, finding in enumerate(dataset.findings):
        state = pd.Series(dataset.labels[:, number], dtype="Int8")
        table[finding] = state.mask(state == NOT_STATED)
    return table


def write_csv(dataset: Dataset, path: Path) -> None:
    """Write `readings_table` beside `path` and rename it into place.

    Raises:
        DiskFullError: No space is left; an earlier file stays.
    """
    part = path.with_name(f".{path.name}.part")
    with disk_full(path):
        readings_table(dataset).to_csv(part, index=False)
        part.replace(path)
