//! Packets in ESA EDDS responses: XML whose `<Packet>` elements hold hexadecimal digits.
//!
//! Only those elements are looked at; no XML parser is needed, and no entity is ever expanded.

/// Reads the packets out of a stream of such XML.
#[derive(Debug)]
pub struct EddsReader {
    octets_max: usize,
    state: State,
    /// Octets of the opening tag seen so far.
    matched: usize,
    element: Vec<u8>,
    high: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    /// The element is damaged: its rest is passed over.
    Damaged,
}

/// What an element turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// The octets of a whole element.
    Octets(&'a [u8]),
    /// An element that is not hexadecimal, too long or cut off.
    Damaged,
}

impl EddsReader {
    /// A reader that takes elements of up to `octets_max` octets.
    pub fn new(octets_max: usize) -> Self {
        Self {
            octets_max,
            state: State::Outside,
            matched: 0,
            element: Vec::new(),
            high: None,
        }
    }

    /// Takes the next octets and gives every element that ends in them, with the number of octets
    /// up to and with its end.
    pub fn handle_bytes(&mut self, octets: &[u8], mut element: impl FnMut(usize, Element<'_>)) {
        for (index, &octet) in octets.iter().enumerate() {
            match (self.state, octet) {
                (State::Outside, _) => self.match_tag(octet),
                (State::Inside, b'<') => {
                    let whole = self.high.is_none();
                    let found = if whole {
                        Element::Octets(&self.element)
                    } else {
                        Element::Damaged
                    };
                    element(index + 1, found);
                    self.close();
                }
                (State::Damaged, b'<') => {
                    element(index + 1, Element::Damaged);
                    self.close();
                }
                (State::Inside, octet) if octet.is_ascii_whitespace() => {}
                (State::Inside, octet) => self.take_digit(octet),
                (State::Damaged, _) => {}
            }
        }
    }

    /// The stream has ended; true if it did so within an element.
    pub fn handle_end(&mut self) -> bool {
        let cut = self.state != State::Outside;
        self.close();
        cut
    }

    fn match_tag(&mut self, octet: u8) {
        self.matched = match OPENING_TAG.get(self.matched) {
            Some(&expected) if expected == octet => self.matched + 1,
            _ => usize::from(octet == b'<'),
        };
        if self.matched == OPENING_TAG.len() {
            self.matched = 0;
            self.state = State::Inside;
        }
    }

    fn take_digit(&mut self, octet: u8) {
        let digit = char::from(octet).to_digit(16).map(|digit| digit as u8);
        match (digit, self.high.take()) {
            (Some(low), Some(high)) if self.element.len() < self.octets_max => {
                self.element.push(high << 4 | low);
            }
            (Some(high), None) => self.high = Some(high),
            _ => self.state = State::Damaged,
        }
    }

    fn close(&mut self) {
        self.state = State::Outside;
        self.matched = 0;
        self.high = None;
        self.element.clear();
    }
}

const OPENING_TAG: &[u8] = b"<Packet>";
