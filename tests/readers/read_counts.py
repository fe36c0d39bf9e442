"""Counts the rows of every table of a lake with DuckDB and with Polars.

Usage: read_counts.py DATA
Prints {"duckdb": {"table": rows, ...}, "polars": {...}} as JSON.
"""

import json
import sys
from pathlib import Path

import duckdb
import polars
from duckdb_extensions import import_extension


def tables(data: Path) -> list[Path]:
    return sorted(folder.parent for folder in (data / "lake").glob("*/_delta_log"))


def count_with_duckdb(folders: list[Path]) -> dict[str, int]:
    # The extension comes from a package: tests fetch nothing while they run.
    import_extension("delta")
    connection = duckdb.connect()
    connection.execute("LOAD delta")
    counts = {}
    for folder in folders:
        rows = connection.execute("SELECT count(*) FROM delta_scan(?)", [str(folder)]).fetchone()
        counts[folder.name] = rows[0]
    return counts


def count_with_polars(folders: list[Path]) -> dict[str, int]:
    return {
        folder.name: polars.scan_delta(str(folder)).select(polars.len()).collect().item()
        for folder in folders
    }


def main() -> None:
    folders = tables(Path(sys.argv[1]))
    counts = {"duckdb": count_with_duckdb(folders), "polars": count_with_polars(folders)}
    json.dump(counts, sys.stdout)


if __name__ == "__main__":
    main()
