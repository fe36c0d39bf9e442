"""Parses telecommands with the package spacepackets and makes its own of the same fields.

Reads JSON lines {"packet": hex} and writes, for each, what the package read and, under "again",
the packet that it makes of it; then, under "report", a verification report for it.
"""

import json
import sys

from spacepackets.ecss import PusTc, RequestId
from spacepackets.ecss.pus_1_verification import (
    Service1Tm,
    Subservice,
    VerificationParams,
)

for line in sys.stdin:
    packet = bytes.fromhex(json.loads(line)["packet"])
    command = PusTc.unpack(packet)
    again = PusTc(
        service=command.service,
        message_subtype=command.message_subtype,
        apid=command.apid,
        seq_count=command.seq_count,
        app_data=bytes(command.app_data),
        source_id=command.source_id,
        ack_flags=command.pus_tc_sec_header.ack_flags,
    )
    report = Service1Tm(
        apid=command.apid,
        subservice=Subservice.TM_COMPLETION_SUCCESS,
        timestamp=b"\x2f\x5b\x3f\x55\x5e\x48\xb4",
        verif_params=VerificationParams(req_id=RequestId.from_pus_tc(command)),
    )
    print(
        json.dumps(
            {
                "apid": command.apid,
                "count": command.seq_count,
                "service": command.service,
                "message": command.message_subtype,
                "source": command.source_id,
                "ack": command.pus_tc_sec_header.ack_flags,
                "data": bytes(command.app_data).hex(),
                "again": bytes(again.pack()).hex(),
                "report": bytes(report.pack()).hex(),
            }
        )
    )
