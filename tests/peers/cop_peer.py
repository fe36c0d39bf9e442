"""FARM-1 and FOP-1 of the package ccsds-cop, driven line by line.

Each line on stdin is a JSON object with one key, each answer one JSON object on a line of stdout.

    {"farm": {"window": 254}}                              begin as FARM-1
    {"frame": {"kind": "AD", "n_s": 5, "data": "00ff"}}    -> accepted data, CLCW
    {"fop": {"window": 1, "limit": 100}}                   begin as FOP-1
    {"directive": ["SET_V_S", 7]}  {"transfer": "00ff"}  {"clcw": "01040000"}  {"timeout": 0}
                                                           -> frames, notifications, state
"""

import json
import sys

from ccsds_cop.cop_1.common.ccsds import ControlWord, Gvcid
from ccsds_cop.cop_1.farm import Farm1, ValidFrameArrivedIndication
from ccsds_cop.cop_1.fop import fop as fop_module
from ccsds_cop.cop_1.fop import types
from spacepackets.uslp import frame as uslp
from spacepackets.uslp.header import (
    BypassSequenceControlFlag as Bypass,
    PrimaryHeader,
    ProtocolCommandFlag as Command,
    SourceOrDestField,
)

VCID = 5
GVCID = Gvcid(0b1100, 0x155, VCID)
KINDS = {
    "AD": (Bypass.SEQ_CTRLD_QOS, Command.USER_DATA),
    "BD": (Bypass.EXPEDITED_QOS, Command.USER_DATA),
    "BC": (Bypass.EXPEDITED_QOS, Command.PROTOCOL_INFORMATION),
}


class Farm:
    """Their FARM-1, whose buffers are emptied after each frame."""

    def __init__(self, window):
        self.farm = Farm1(window)

    def frame(self, kind, n_s, data):
        bypass, command = KINDS[kind]
        header = PrimaryHeader(
            GVCID.scid,
            SourceOrDestField.DEST,
            VCID,
            0,
            0,
            bypass_seq_ctrl_flag=bypass,
            prot_ctrl_cmd_flag=command,
            vcf_count_len=1,
            vcf_count=n_s,
        )
        field = uslp.TransferFrameDataField(
            uslp.TfdzConstructionRules.VpNoSegmentation,
            uslp.UslpProtocolIdentifier.USER_DEFINED_OCTET_STREAM,
            bytes.fromhex(data),
        )
        lower = self.farm.lower_interface
        lower.buffer.append(uslp.TransferFrame(header, field))
        lower.signal.append(ValidFrameArrivedIndication(GVCID))
        self.farm.tick()
        higher = self.farm.higher_interface
        accepted = [item.tfdf.tfdz.hex() for item in higher.buffer]
        higher.buffer.clear()
        higher.signal.clear()
        word = ControlWord(
            vcid=VCID,
            lockout=self.farm.lockout,
            wait=self.farm.wait,
            retransmit=self.farm.retransmit,
            farm_b_counter=self.farm.b_counter,
            report_value=self.farm.v_r,
        )
        return {"accepted": accepted, "clcw": word.pack().hex()}


class Fop(fop_module.Fop1):
    """Their FOP-1 with a timer that this script's caller lets expire."""

    def __init__(self, window, limit):
        super().__init__(GVCID, k=window)
        self.transmission_limit = limit
        self.running = False
        self.requests = 0
        # Their flags begin as "not ready": the lower procedures are.
        self.ad_out = self.bc_out = self.bd_out = True

    def start_timer(self):
        self.running = True

    def cancel_timer(self):
        self.running = False

    def directive(self, name, value):
        self.requests += 1
        kind = types.DirectiveType[name]
        self.on_receive_directive(types.DirectiveRequest(GVCID, self.requests, kind, value))

    def transfer(self, data):
        self.requests += 1
        self.on_receive_request_to_transfer_fdu(
            types.RequestToTransferFdu(
                GVCID, self.requests, bytes.fromhex(data), types.ServiceType.AD
            )
        )

    def timeout(self):
        if self.running:
            self.running = False
            self._timer_events.put_nowait(None)
            self.drain_timer_events()

    def outputs(self):
        """Everything to the lower procedures, each frame accepted at once, and to the higher."""
        frames = []
        lower = self.interface.to_lower
        while lower:
            item = lower.pop()
            if not isinstance(item, types.TransmitRequestForFrame):
                continue
            flags = (item.bypass_flag, item.command_flag)
            kind = next(kind for kind, pair in KINDS.items() if pair == flags)
            frames.append({"kind": kind, "n_s": item.v_s, "data": item.tfdf.hex()})
            if kind == "BC":
                # They look for the frame on a queue where they did not put it.
                continue
            answer = types.ResponseType[f"{kind}_ACCEPTED"]
            self.on_receive_response_from_lower_layer(types.Response(GVCID, answer))
        notes = []
        higher = self.interface.to_higher
        while higher:
            item = higher.pop()
            if isinstance(item, types.AsyncNotification):
                notes.append([None, str(item.notification_qualifier)])
            else:
                notes.append([item.request_id, item.notification_type.name])
        return {
            "frames": frames,
            "notifications": notes,
            "state": self.state.value,
            "timer": self.running,
            "requests": self.requests,
        }


def main():
    peer = None
    for line in sys.stdin:
        ((word, value),) = json.loads(line).items()
        answer = {}
        if word == "farm":
            peer = Farm(**value)
        elif word == "frame":
            answer = peer.frame(**value)
        elif word == "fop":
            peer = Fop(**value)
        else:
            if word == "directive":
                peer.directive(*value)
            elif word == "transfer":
                peer.transfer(value)
            elif word == "clcw":
                peer.on_clcw_arrived(ControlWord.unpack(bytes.fromhex(value)))
            elif word == "timeout":
                peer.timeout()
            else:
                raise ValueError(f"unknown word {word}")
            answer = peer.outputs()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
