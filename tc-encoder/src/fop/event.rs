//! The events of FOP-1, CCSDS 232.1-B-2 table 5-1, and which of them a CLCW is.

use core::fmt;

use space_link::clcw::Clcw;

/// An event of the state table, by the standard's number; in the order of the table.
///
/// "Acknowledges" is said of N(R), the CLCW's report value, against NN(R) and V(S).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Event {
    /// CLCW: everything is acknowledged, nothing newly.
    E1,
    /// CLCW: everything is acknowledged, some of it newly.
    E2,
    /// CLCW: everything is acknowledged, and Wait is set.
    E3,
    /// CLCW: everything is acknowledged, and Retransmit is set.
    E4,
    /// CLCW: frames are outstanding, none newly acknowledged.
    E5,
    /// CLCW: frames are outstanding, others newly acknowledged.
    E6,
    /// CLCW: frames are outstanding, Wait without Retransmit.
    E7,
    /// CLCW: Retransmit, some newly acknowledged, only one transmission allowed.
    E101,
    /// CLCW: Retransmit, none newly acknowledged, only one transmission allowed.
    E102,
    /// CLCW: Retransmit, some newly acknowledged.
    E8,
    /// CLCW: Retransmit and Wait, some newly acknowledged.
    E9,
    /// CLCW: Retransmit, none newly acknowledged.
    E10,
    /// CLCW: Retransmit and Wait, none newly acknowledged.
    E11,
    /// CLCW: Retransmit, none newly acknowledged, no transmission left.
    E12,
    /// CLCW: Retransmit and Wait, none newly acknowledged, no transmission left.
    E103,
    /// CLCW: N(R) lies outside NN(R) to V(S).
    E13,
    /// CLCW: Lockout.
    E14,
    /// A CLCW that is not valid: of another version.
    E15,
    /// The timer expired; transmissions are left; Timeout_Type 0.
    E16,
    /// The timer expired; transmissions are left; Timeout_Type 1.
    E104,
    /// The timer expired; no transmission is left; Timeout_Type 0.
    E17,
    /// The timer expired; no transmission is left; Timeout_Type 1.
    E18,
    /// Request to transfer an AD data unit, the Wait_Queue is empty.
    E19,
    /// Request to transfer an AD data unit, the Wait_Queue is full.
    E20,
    /// Request to transfer a BD data unit, BD_Out_Flag ready.
    E21,
    /// Request to transfer a BD data unit, BD_Out_Flag not ready.
    E22,
    /// Directive: initiate AD service without CLCW check.
    E23,
    /// Directive: initiate AD service with CLCW check.
    E24,
    /// Directive: initiate AD service with Unlock, BC_Out_Flag ready.
    E25,
    /// Directive: initiate AD service with Unlock, BC_Out_Flag not ready.
    E26,
    /// Directive: initiate AD service with Set V(R), BC_Out_Flag ready.
    E27,
    /// Directive: initiate AD service with Set V(R), BC_Out_Flag not ready.
    E28,
    /// Directive: terminate AD service.
    E29,
    /// Directive: resume AD service, which is not suspended.
    E30,
    /// Directive: resume AD service, suspended in S1.
    E31,
    /// Directive: resume AD service, suspended in S2.
    E32,
    /// Directive: resume AD service, suspended in S3.
    E33,
    /// Directive: resume AD service, suspended in S4.
    E34,
    /// Directive: set V(S).
    E35,
    /// Directive: set FOP_Sliding_Window_Width.
    E36,
    /// Directive: set T1_Initial.
    E37,
    /// Directive: set Transmission_Limit.
    E38,
    /// Directive: set Timeout_Type.
    E39,
    /// A directive that is not valid: a value out of range.
    E40,
    /// The lower procedures accepted the AD frame.
    E41,
    /// The lower procedures rejected the AD frame.
    E42,
    /// The lower procedures accepted the BC frame.
    E43,
    /// The lower procedures rejected the BC frame.
    E44,
    /// The lower procedures accepted the BD frame.
    E45,
    /// The lower procedures rejected the BD frame.
    E46,
    /// The signal was lost. Not in the standard, which suspends only when the timer expires: here
    /// a pass that ends does the same at once.
    LossOfSignal,
}

/// Events there are.
pub(super) const EVENTS: usize = Event::LossOfSignal as usize + 1;

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LossOfSignal => f.write_str("loss of signal"),
            numbered => write!(f, "{numbered:?}"),
        }
    }
}

/// What the classification of a CLCW looks at besides the CLCW.
pub(super) struct Outlook {
    pub(super) v_s: u8,
    pub(super) nn_r: u8,
    pub(super) transmission_count: u8,
    pub(super) transmission_limit: u8,
}

impl Outlook {
    /// Which event a CLCW of this virtual channel and COP is. All arithmetic is modulo 256 (5.2.1).
    pub(super) fn event(&self, clcw: &Clcw) -> Event {
        if clcw.version != 0 {
            return Event::E15;
        }
        if clcw.lockout {
            return Event::E14;
        }
        let outstanding = self.v_s.wrapping_sub(self.nn_r);
        let newly = clcw.report_value.wrapping_sub(self.nn_r);
        if newly > outstanding {
            return Event::E13;
        }
        if newly == outstanding {
            return match (clcw.retransmit, clcw.wait) {
                (true, _) => Event::E4,
                (false, true) => Event::E3,
                (false, false) if newly == 0 => Event::E1,
                (false, false) => Event::E2,
            };
        }
        if !clcw.retransmit {
            return match (clcw.wait, newly) {
                (true, _) => Event::E7,
                (false, 0) => Event::E5,
                (false, _) => Event::E6,
            };
        }
        let left = self.transmission_count < self.transmission_limit;
        match (self.transmission_limit, newly, left, clcw.wait) {
            (1, 0, ..) => Event::E102,
            (1, ..) => Event::E101,
            (_, 0, true, false) => Event::E10,
            (_, 0, true, true) => Event::E11,
            (_, 0, false, false) => Event::E12,
            (_, 0, false, true) => Event::E103,
            (_, _, _, false) => Event::E8,
            (_, _, _, true) => Event::E9,
        }
    }
}
