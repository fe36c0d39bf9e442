"""States of python-sgp4 for a test of `scheduler`: OMM in JSON and minutes in, states out.

    sgp4_states.py OMM.json MINUTES...

Prints a JSON array: for each satellite, for each time, [error, [x, y, z], [vx, vy, vz]], with null for the
vectors where there is an error.
"""

import json
import sys

from sgp4 import omm
from sgp4.api import WGS72, Satrec


def main():
    states = []
    for fields in json.load(open(sys.argv[1], encoding="utf-8")):
        fields = {"EPHEMERIS_TYPE": 0, "ELEMENT_SET_NO": 1, "REV_AT_EPOCH": 0, **fields}
        fields.setdefault("CLASSIFICATION_TYPE", "U")
        fields["OBJECT_ID"] = fields.get("OBJECT_ID") or "2025-001A"
        satellite = Satrec()
        omm.initialize(satellite, fields)
        rows = []
        for minutes in map(float, sys.argv[2:]):
            error, position, velocity = satellite.sgp4_tsince(minutes)
            # An error's state may hold what JSON has no word for.
            rows.append([error, *([None] * 2 if error else [position, velocity])])
        states.append(rows)
    json.dump(states, sys.stdout)


main()
