"""Values per second that ccsdspy decodes of a file of JPSS geolocation packets: best of five.

A value is one parameter of one packet, the primary header's included, as the bench counts its own.
"""

import sys
import time

import ccsdspy
from ccsdspy import PacketField

FIELDS = (
    [("DOY", "uint", 16), ("MSEC", "uint", 32), ("USEC", "uint", 16), ("ADAESCID", "uint", 8)]
    + [("ADAET1DAY", "uint", 16), ("ADAET1MS", "uint", 32), ("ADAET1US", "uint", 16)]
    + [(f"ADGPS{kind}{axis}", "float", 32) for kind in ("POS", "VEL") for axis in "XYZ"]
    + [("ADAET2DAY", "uint", 16), ("ADAET2MS", "uint", 32), ("ADAET2US", "uint", 16)]
    + [(f"ADCFAQ{number}", "float", 32) for number in range(1, 5)]
)

packet = ccsdspy.FixedLength(
    [PacketField(name=name, data_type=kind, bit_length=bits) for name, kind, bits in FIELDS]
)
best = 0.0
for _ in range(5):
    start = time.process_time()
    columns = packet.load(sys.argv[1], include_primary_header=True)
    elapsed = time.process_time() - start
    values = sum(len(column) for column in columns.values())
    best = max(best, values / elapsed)
print(best)
