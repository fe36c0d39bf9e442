"""Counts a table's rows with DuckDB again and again while others write it.

Usage: watch_counts.py TABLE_FOLDER STOP_FILE
Prints the number of rows and two sums of their columns once they change, one JSON array a line,
until the stop file is there; then the number of reads.
"""

import json
import sys
from pathlib import Path

import duckdb
from duckdb_extensions import import_extension

STATEMENT = "SELECT count(*), sum(sequence_count), sum(length) FROM delta_scan(?)"


def main() -> None:
    folder, stop = sys.argv[1], Path(sys.argv[2])
    import_extension("delta")
    connection = duckdb.connect()
    connection.execute("LOAD delta")
    connection.execute("SET threads = 1")
    last, reads, stopping = None, 0, False
    while True:
        # One read more, of what was there when it was told to stop.
        stopping = stop.exists()
        row = connection.execute(STATEMENT, [folder]).fetchone()
        reads += 1
        if row != last:
            print(json.dumps([int(value) for value in row]), flush=True)
            last = row
        if stopping:
            break
    print(json.dumps(reads))


if __name__ == "__main__":
    main()
