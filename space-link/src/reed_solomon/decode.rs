//! Finding and correcting symbol errors of one word from its remainder: syndromes,
//! Berlekamp-Massey, Chien, Forney.

use std::sync::LazyLock;

use super::{
    Basis, Code,
    field::{self, PRODUCTS, WORD_SYMBOLS},
    tables::PARITY_MAX,
};

/// Most symbol errors a code corrects.
const ERRORS_MAX: usize = 16;

/// Locator values at all 255 places are sums of these rows: for the power k of the locator, the
/// low and the high half of its coefficient. 136 KiB.
type LocatorRows = [[[u8; WORD_SYMBOLS + 1]; 16]; 2];

static LOCATOR_ROWS: LazyLock<Box<[LocatorRows]>> = LazyLock::new(locator_rows);

/// `rows[i][h][v]`: the syndromes of remainder symbol i whose half h is v.
pub(super) struct SyndromeTable {
    code: Code,
    basis: Basis,
    rows: Box<[[[[u8; PARITY_MAX]; 16]; 2]]>,
}

/// Errors of one word.
pub(super) struct Errors {
    /// (index of the symbol in the word of 255, what to add to it on the link).
    list: [(u8, u8); ERRORS_MAX],
    count: usize,
}

impl Errors {
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, u8)> {
        self.list[..self.count]
            .iter()
            .map(|&(index, value)| (usize::from(index), value))
    }

    pub(super) fn count(&self) -> u32 {
        self.count as u32
    }
}

impl SyndromeTable {
    pub(super) fn new(code: Code, basis: Basis) -> Self {
        let parity = code.parity_symbols();
        let row = |index: usize, value: u8| {
            let symbol = field::from_link(basis, value);
            std::array::from_fn(|syndrome| {
                if syndrome >= parity {
                    return 0;
                }
                let power = (code.first_root() + syndrome) * (parity - 1 - index);
                field::multiply(symbol, field::root_power(power))
            })
        };
        let rows = (0..parity)
            .map(|index| {
                [
                    std::array::from_fn(|half| row(index, half as u8)),
                    std::array::from_fn(|half| row(index, (half as u8) << 4)),
                ]
            })
            .collect();
        Self { code, basis, rows }
    }

    /// The errors that explain a remainder that is not zero, or `None` when no pattern of up to E
    /// symbol errors does. Symbols before `fill` are virtual and cannot be wrong.
    pub(super) fn errors(&self, remainder: &[u8], fill: usize) -> Option<Errors> {
        let syndromes = self.syndromes(remainder);
        let parity = self.code.parity_symbols();
        let (locator, degree) = locator(&syndromes, parity)?;
        let places = roots(&locator, degree, fill)?;
        let mut evaluator = [0_u8; ERRORS_MAX];
        for (power, out) in evaluator.iter_mut().enumerate().take(degree) {
            for (k, &coefficient) in locator.iter().enumerate().take(power + 1) {
                *out ^= PRODUCTS[usize::from(coefficient)][usize::from(syndromes[power - k])];
            }
        }
        let mut errors = Errors {
            list: [(0, 0); ERRORS_MAX],
            count: degree,
        };
        for (out, &place) in errors.list.iter_mut().zip(&places[..degree]) {
            let value = self.value(&locator, &evaluator, degree, place);
            *out = (place, field::to_link(self.basis, value));
            if value == 0 {
                return None;
            }
        }
        Some(errors)
    }

    fn syndromes(&self, remainder: &[u8]) -> [u8; PARITY_MAX] {
        let mut syndromes = [0; PARITY_MAX];
        for (rows, &symbol) in self.rows.iter().zip(remainder) {
            let low = &rows[0][usize::from(symbol & 15)];
            let high = &rows[1][usize::from(symbol >> 4)];
            for ((out, low), high) in syndromes.iter_mut().zip(low).zip(high) {
                *out ^= low ^ high;
            }
        }
        syndromes
    }

    /// Forney: X^(1 - first root) * evaluator(1/X) / locator'(1/X).
    fn value(&self, locator: &[u8], evaluator: &[u8], degree: usize, place: u8) -> u8 {
        let power = WORD_SYMBOLS - 1 - usize::from(place);
        let inverse = field::root_power(WORD_SYMBOLS - power % WORD_SYMBOLS);
        let by_inverse = &PRODUCTS[usize::from(inverse)];
        let numerator = evaluator[..degree]
            .iter()
            .rev()
            .fold(0, |sum, &c| by_inverse[usize::from(sum)] ^ c);
        // Over GF(2^8) only the odd powers are left in the derivative.
        let by_square = &PRODUCTS[usize::from(by_inverse[usize::from(inverse)])];
        let denominator = locator[1..=degree]
            .iter()
            .step_by(2)
            .rev()
            .fold(0, |sum, &c| by_square[usize::from(sum)] ^ c);
        // X^(1 - b) = (1/X)^(b - 1)
        let scale = field::root_power((self.code.first_root() - 1) * (WORD_SYMBOLS - power));
        field::multiply(
            scale,
            field::multiply(numerator, field::invert(denominator)),
        )
    }
}

/// Berlekamp-Massey: the error locator, x^0 first, and its degree; `None` beyond E errors.
fn locator(syndromes: &[u8; PARITY_MAX], parity: usize) -> Option<([u8; PARITY_MAX + 1], usize)> {
    let products = &**PRODUCTS;
    let most = parity / 2;
    let mut locator = [0_u8; PARITY_MAX + 1];
    let mut previous = [0_u8; PARITY_MAX + 1];
    locator[0] = 1;
    previous[0] = 1;
    let (mut length, mut gap, mut previous_discrepancy) = (0_usize, 1_usize, 1_u8);
    for step in 0..parity {
        let mut discrepancy = 0;
        for (&coefficient, &syndrome) in locator[..=length]
            .iter()
            .zip(syndromes[..=step].iter().rev())
        {
            discrepancy ^= products[usize::from(coefficient)][usize::from(syndrome)];
        }
        if discrepancy == 0 {
            gap += 1;
            continue;
        }
        let factor = field::multiply(discrepancy, field::invert(previous_discrepancy));
        let by_factor = &products[usize::from(factor)];
        let grows = 2 * length <= step;
        let before = locator;
        for (out, &coefficient) in locator[gap..].iter_mut().zip(&previous[..=most]) {
            *out ^= by_factor[usize::from(coefficient)];
        }
        if grows {
            length = step + 1 - length;
            if length > most {
                return None;
            }
            previous = before;
            previous_discrepancy = discrepancy;
            gap = 1;
        } else {
            gap += 1;
        }
    }
    (length > 0 && locator[length] != 0).then_some((locator, length))
}

/// The places whose locators are the reciprocal roots; `None` unless there are as many as the
/// degree, all of them in symbols that were sent.
fn roots(locator: &[u8; PARITY_MAX + 1], degree: usize, fill: usize) -> Option<[u8; ERRORS_MAX]> {
    const BLOCK: usize = 64;
    let rows = &**LOCATOR_ROWS;
    let mut places = [0; ERRORS_MAX];
    let mut found = 0;
    for first in (0..WORD_SYMBOLS + 1).step_by(BLOCK) {
        let mut values = [1_u8; BLOCK];
        for (rows, &coefficient) in rows.iter().zip(&locator[1..=degree]) {
            let low = &rows[0][usize::from(coefficient & 15)][first..first + BLOCK];
            let high = &rows[1][usize::from(coefficient >> 4)][first..first + BLOCK];
            for ((value, low), high) in values.iter_mut().zip(low).zip(high) {
                *value ^= low ^ high;
            }
        }
        for (index, _) in values.iter().enumerate().filter(|(_, value)| **value == 0) {
            let place = first + index;
            if place < fill || place >= WORD_SYMBOLS || found == degree {
                return None;
            }
            places[found] = place as u8;
            found += 1;
        }
    }
    (found == degree).then_some(places)
}

fn locator_rows() -> Box<[LocatorRows]> {
    let row = |power: usize, value: u8| {
        std::array::from_fn(|place| {
            if place >= WORD_SYMBOLS {
                return 0; // Fills the row up; the constant term 1 keeps it from being a root.
            }
            // (1/X)^power with X = beta^(254 - place)
            let exponent = (place + 1) * power;
            field::multiply(value, field::root_power(exponent))
        })
    };
    (1..=ERRORS_MAX)
        .map(|power| {
            [
                std::array::from_fn(|half| row(power, half as u8)),
                std::array::from_fn(|half| row(power, (half as u8) << 4)),
            ]
        })
        .collect()
}
