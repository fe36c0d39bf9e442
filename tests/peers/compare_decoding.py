"""Compares our decoding of recorded packets with space_packet_parser's, value by value.

    compare_decoding.py DECODE_PACKETS SHARED [RECORDING ...]

DECODE_PACKETS is the example of tm-decoder; SHARED holds recordings/ and xtce/. Every parameter of
every packet is compared: the raw value with space_packet_parser's raw_value, the engineering value
with its derived one. Packets that it does not recognise must have no row with us. Where the
recording comes with decommutation tables made by others, those are compared as well.
"""

import csv
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import pyarrow.ipc
from space_packet_parser.exceptions import UnrecognizedPacketTypeError
from space_packet_parser.xtce.definitions import XtcePacketDefinition

LEADING = 10
DIFFERENCES_SHOWN = 20


def snake_case(name):
    """The naming rule of schemas::layout::snake_case, said again."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", name)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    name = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    name = name.strip("_").lower() or "unnamed"
    return "_" + name if name[0].isdigit() else name


def packets_of(octets, skip):
    """Space packets of a file, each behind `skip` octets (CCSDS 133.0-B-2 4.1.3.5.3)."""
    at = 0
    while at + skip + 6 <= len(octets):
        start = at + skip
        end = start + int.from_bytes(octets[start + 4 : start + 6], "big") + 7
        if end > len(octets):
            break
        yield octets[start:end]
        at = end


def same(ours, theirs):
    if isinstance(theirs, (bytes, str)):
        return ours == theirs
    if ours is None:
        return False
    if isinstance(theirs, float) or isinstance(ours, float):
        ours, theirs = float(ours), float(theirs)
        if math.isnan(ours) or math.isnan(theirs):
            return math.isnan(ours) and math.isnan(theirs)
        # Sums of powers and Horner's scheme round differently in the last place.
        return ours == theirs or math.isclose(ours, theirs, rel_tol=1e-12)
    return int(ours) == int(theirs)


def columns_of(row, base):
    """The columns of a name: itself, then those that got a number because it was taken."""
    columns = [base] if base in row else []
    number = 2
    while f"{base}_{number}" in row:
        columns.append(f"{base}_{number}")
        number += 1
    return columns


def read_tables(folder):
    """Rows by packet index: column names, then name and row of the table."""
    rows = {}
    tables = {}
    for file in sorted(folder.glob("*.arrow")):
        table = pyarrow.ipc.open_file(file).read_all()
        tables[file.stem] = table
        received = table.column("received").cast("int64").to_pylist()
        columns = {
            name: table.column(name).to_pylist() for name in table.column_names[LEADING:]
        }
        for row, packet in enumerate(received):
            assert packet not in rows, f"packet {packet} has two rows"
            rows[packet] = (file.stem, {name: values[row] for name, values in columns.items()})
    return tables, rows


def compare(decode_packets, shared, expected_file):
    expected = json.loads(expected_file.read_text())
    recording = shared / "recordings/packets" / expected["recording"]
    definition = shared / "recordings" / expected["definition"]
    skip = expected["prefix_bytes_before_each_packet"]
    differences = []
    values = decoded = unrecognised = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        command = [decode_packets, "--xtce", definition, "--packets", recording]
        command += ["--out", folder, "--skip", str(skip)]
        report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        tables, rows = read_tables(folder)
    parser = XtcePacketDefinition.from_xtce(definition)
    roots = [
        name
        for name, container in parser.containers.items()
        if container.base_container_name is None and container.inheritors
    ]
    assert len(roots) == 1, f"{definition} has {len(roots)} roots"
    packets = list(packets_of(recording.read_bytes(), skip))
    assert report["packets"] == len(packets) == expected["packets_total"]
    for index, octets in enumerate(packets):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = parser.parse_bytes(octets, root_container_name=roots[0])
        except UnrecognizedPacketTypeError:
            unrecognised += 1
            if index in rows:
                differences.append(f"packet {index}: not recognised, but a row of {rows[index][0]}")
            continue
        decoded += 1
        if index not in rows:
            differences.append(f"packet {index}: recognised, but no row")
            continue
        table, row = rows.pop(index)
        groups = {}
        for name in theirs:
            groups.setdefault(snake_case(name), []).append(name)
        seen = set()
        for base, names in groups.items():
            columns = columns_of(row, base)
            seen |= {column + suffix for column in columns for suffix in ("", "_raw")}
            if len(names) == 1:
                # A parameter that stands in its container twice: their dictionary keeps the last.
                columns = columns[-1:]
            if len(names) != len(columns):
                differences.append(f"{table}: columns {columns} for {names}")
                continue
            for name, column in zip(names, columns):
                value = theirs[name]
                pairs = [(column, value)]
                if f"{column}_raw" in row:
                    pairs.append((f"{column}_raw", value.raw_value))
                for key, wanted in pairs:
                    values += 1
                    if not same(row[key], wanted):
                        differences.append(
                            f"packet {index} {table}.{key}: {row[key]!r}, not {wanted!r}"
                        )
        if set(row) - seen:
            differences.append(f"{table}: columns that space_packet_parser lacks: {set(row) - seen}")
    if rows:
        differences.append(f"{len(rows)} rows without a packet that is recognised")
    if decoded != expected["decoded"]["packets_decoded"]:
        differences.append(f"{decoded} packets, not {expected['decoded']['packets_decoded']}")
    checked = 0
    for name in expected.get("validation_tables", []):
        cells, wrong = compare_csv(tables, recording.parent / name)
        checked += cells
        differences += wrong
    print(
        f"{expected['recording']}: {decoded} packets, {unrecognised} unrecognised, {values} values"
        f" and {checked} cells of other tables, {len(differences)} differences;"
        f" anomalies {[(a['kind'], a['count']) for a in report['anomalies']]}"
    )
    for difference in differences[:DIFFERENCES_SHOWN]:
        print("  " + difference)
    return not differences


def number(text):
    try:
        return int(text, 0)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None


# Names that instrument teams give to the columns that say which packet a line is of.
APID_TITLES = {"PHAPID", "CCSDS_APPID", "CCSDS_APID"}
SEQUENCE_COUNT_TITLES = {"PHSEQCNT", "CCSDS_SEQ_CNT", "SequenceCount"}
# Columns that hold something else under a parameter's name: a kind of packet in words, vectors a
# second where the packet has their logarithm.
OTHER_TITLES = {"Type", "PRI_VECSEC", "SEC_VECSEC"}


def compare_csv(tables, file):
    """Columns of a CSV that one of our tables has too, line by line where a packet is found.

    Lines are joined by sequence count (and APID, where the file has it), if that is unique. Titles
    are compared with our columns' names or their ends; cells that are numbers with the raw or the
    engineering value, whichever the file has. Titles that we have no column for are left out.
    """
    with file.open(newline="", errors="replace") as lines:
        lines = list(csv.DictReader(line for line in lines if line.strip(" ,\r\n")))
    titles = set(lines[0]) if lines else set()
    count_title = next(iter(titles & SEQUENCE_COUNT_TITLES), None)
    apid_title = next(iter(titles & APID_TITLES), None)
    cells, wrong = 0, []
    if count_title is None:
        return cells, wrong
    for table in tables.values():
        ours = {}
        keys = zip(table.column("apid").to_pylist(), table.column("sequence_count").to_pylist())
        for row, (apid, count) in enumerate(keys):
            ours.setdefault((apid if apid_title else None, count), []).append(row)
        pairs = []
        for line in lines:
            apid = number(line[apid_title]) if apid_title else None
            rows = ours.get((apid, number(line[count_title])), [])
            pairs += [(rows[0], line)] if len(rows) == 1 else []
        for title in titles - OTHER_TITLES if pairs else ():
            names = [
                name
                for name in table.column_names[LEADING:]
                if name == snake_case(title) or name.endswith("_" + snake_case(title))
            ]
            names = [name for name in names if not name.endswith("_raw")]
            if len(names) != 1:
                continue
            columns = [table.column(names[0]).to_pylist()]
            if names[0] + "_raw" in table.column_names:
                columns.append(table.column(names[0] + "_raw").to_pylist())
            for row, line in pairs:
                cell = (line[title] or "").strip()
                mine = [column[row] for column in columns]
                if not cell:
                    continue
                cells += 1
                if not any(cell_is(cell, value) for value in mine):
                    wrong.append(f"{file.name} {title} {line[count_title]}: {mine!r}, not {cell}")
    return cells, wrong


def cell_is(cell, value):
    if isinstance(value, (str, bytes)) or value is None:
        return cell == value
    wanted = number(cell)
    return wanted is not None and math.isclose(float(value), wanted, rel_tol=1e-5, abs_tol=1e-9)


def main():
    decode_packets, shared, *wanted = sys.argv[1:]
    shared = pathlib.Path(shared)
    files = sorted((shared / "recordings/expected").glob("*.json"))
    files = [file for file in files if "definition" in json.loads(file.read_text())]
    if wanted:
        files = [file for file in files if any(name in file.name for name in wanted)]
    assert files, "no recording has a definition"
    results = [compare(decode_packets, shared, file) for file in files]
    sys.exit(0 if all(results) else 1)


main()
