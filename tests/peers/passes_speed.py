"""How fast the Python peers propagate and predict passes, for `cargo bench -p scheduler`.

Reads elements from a TLE file (three lines a satellite); prints `name value unit` lines.
"""

import sys
import time

import numpy
from sgp4.api import WGS72, Satrec
from skyfield.api import EarthSatellite, load, wgs84


def timed(task):
    best = None
    for _ in range(3):
        start = time.perf_counter()
        result = task()
        spent = time.perf_counter() - start
        best = spent if best is None else min(best, spent)
    return best, result


def main():
    lines = [line.rstrip("\n") for line in open(sys.argv[1], encoding="ascii")]
    tles = [lines[i : i + 3] for i in range(0, len(lines) - 2, 3)]
    satrec = Satrec.twoline2rv(tles[0][1], tles[0][2], WGS72)

    count = 100_000
    epoch = satrec.jdsatepoch
    fraction = satrec.jdsatepochF + numpy.arange(count) * (2.0 / count)
    days = numpy.full(count, epoch)
    spent, _ = timed(lambda: satrec.sgp4_array(days, fraction))
    print(f"sgp4_array {count / spent:.0f} propagations/s")

    scale = load.timescale(builtin=True)
    start = scale.utc(2025, 3, 11, 12)
    end = scale.utc(2025, 3, 13, 12)
    # The stations of the bench: evenly over longitudes, from south to north.
    stations = [
        wgs84.latlon(-76.0 + 8.0 * n, (137.5 * n) % 360.0 - 180.0) for n in range(20)
    ]
    satellite = EarthSatellite(tles[0][1], tles[0][2], tles[0][0], scale)

    def passes():
        found = 0
        for station in stations:
            _, events = satellite.find_events(station, start, end, altitude_degrees=5.0)
            found += int((events == 0).sum())
        return found

    spent, found = timed(passes)
    print(f"skyfield {spent * 1e3:.1f} ms for {found} rises over 20 stations in 48 h")


main()
