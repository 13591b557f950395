#!/usr/bin/env python3
"""Writes the Parquet file that tests/unit/parquet_test.cpp reads (Debian's python3-pyarrow, sid).

    python3 tests/golden/tools/make_parquet.py tests/golden/parquet/rows.parquet
"""

import datetime
import decimal
import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 5
answer = pa.struct([("text", pa.string()), ("start", pa.int32())])
table = pa.table({
    "question": pa.array(["Is water wet?", "Sind Bären groß?", None, "", "x" * 40]),
    "label": pa.array([1, 0, 1, None, 0], pa.int64()),
    "small": pa.array([1, 2, 3, 4, 255], pa.uint8()),
    "score": pa.array([0.5, -1.25, None, 1e30, 0.0], pa.float32()),
    "flag": pa.array([True, False, None, True, False]),
    "choices": pa.array([["yes", "no"], [], None, ["a", None], ["b"]], pa.list_(pa.string())),
    "answer": pa.array([{"text": "yes", "start": 3}, {"text": "ja", "start": None}, None, {"text": "", "start": 0},
                        {"text": "z", "start": 9}], answer),
    "kind": pa.array(["a", "b", "a", None, "b"]).dictionary_encode(),
    "extra": pa.array([[("k", 1)], [], None, [("u", 2), ("v", 3)], []], pa.map_(pa.string(), pa.int32())),
    "day": pa.array([datetime.date(2023, 12, 14)] * ROWS),
    "big": pa.array(["L"] * ROWS, pa.large_string()),
    "price": pa.array([decimal.Decimal("1.50")] * ROWS, pa.decimal128(6, 2)),
})
pq.write_table(table, sys.argv[1], row_group_size=2, compression="zstd")
