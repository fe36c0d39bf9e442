"""Seconds that ccsdspy takes to decode a file of JPSS geolocation packets into memory.

Interpreter start and imports are not counted; the first decoding is.
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
start = time.perf_counter()
packet.load(sys.argv[1], include_primary_header=True)
print(time.perf_counter() - start)
