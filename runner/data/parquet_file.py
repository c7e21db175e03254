"""A table in a file of Apache Parquet's format."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.data.csv_file import read
from runner.data.named_file import refuse_more_than_memory

if TYPE_CHECKING:
    from pandas import DataFrame  # takes a good part of a second to import


def read_parquet(path: Path) -> "DataFrame":
    """The rows of a Parquet file.

    Raises:
        DataError: if it can't be read, or has none.
    """
    return read(partial(parse_parquet, path), path)


def parse_parquet(path: Path) -> "DataFrame":
    """The rows of a Parquet file; raises an OSError or ValueError if it is none."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

    head = parquet.read_metadata(path)
    refuse_more_than_memory(path, 8 * head.num_rows * head.num_columns)
    whole = {
        pa.int64(): pd.Int64Dtype(),
        pa.uint64(): pd.UInt64Dtype(),
    }  # or a missing one makes floats of them
    frame: DataFrame = parquet.read_table(path).to_pandas(types_mapper=whole.get)
    return frame
