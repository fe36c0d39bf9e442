//! Random values of arguments, seeded.

use schemas::command::{CompiledCommand, Count, Leaf, Meaning, Shape, Value};

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A value for each argument that can be given; one in four of those with a default is not.
    pub(crate) fn arguments(&mut self, command: &CompiledCommand) -> Vec<(String, Value)> {
        let mut given = Vec::new();
        for argument in &command.arguments {
            let skipped = argument.default.is_some() && self.below(4) == 0;
            if argument.is_free() && argument.transmitted && !skipped {
                given.push((argument.name.clone(), self.value(&argument.shape)));
            }
        }
        given
    }

    pub(crate) fn value(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Leaf(leaf) => self.leaf(leaf),
            Shape::Array {
                element,
                count: Count::Fixed(count),
            } => Value::List((0..*count).map(|_| self.value(element)).collect()),
            Shape::Array { .. } => Value::List(Vec::new()),
            Shape::Aggregate(members) => Value::Members(
                members
                    .iter()
                    .map(|member| self.value(&member.shape))
                    .collect(),
            ),
        }
    }

    fn leaf(&mut self, leaf: &Leaf) -> Value {
        match &leaf.meaning {
            Meaning::Boolean { .. } => Value::Boolean(self.below(2) == 1),
            Meaning::Enumeration { .. } => {
                let (least, most) = leaf.raw_integers().unwrap();
                let Meaning::Enumeration { values, .. } = &leaf.meaning else {
                    unreachable!()
                };
                let fit: Vec<_> = values
                    .iter()
                    .filter(|(_, raw)| (least..=most).contains(&i128::from(*raw)))
                    .collect();
                Value::Text(fit[self.below(fit.len() as u64) as usize].0.clone())
            }
            Meaning::Text => {
                let most = leaf.bits().map_or(24, |bits| u64::from(bits / 8));
                let most = most.min(leaf.characters.1.map_or(64, u64::from));
                let least = u64::from(leaf.characters.0.unwrap_or(0));
                let length = least + self.below(most - least + 1);
                let letter = |random: &mut Self| char::from(b' ' + random.below(95) as u8);
                Value::Text((0..length).map(|_| letter(self)).collect())
            }
            Meaning::Octets => {
                let bits = leaf.bits().unwrap_or(0);
                let mut octets: Vec<u8> =
                    (0..bits.div_ceil(8)).map(|_| self.next() as u8).collect();
                if let (Some(first), 1..) = (octets.first_mut(), bits % 8) {
                    *first &= (1 << (bits % 8)) - 1;
                }
                Value::Octets(octets)
            }
            Meaning::Time { .. } => {
                // Whole seconds from 2020 on: coarse times have no more.
                Value::Time((1_577_836_800 + self.below(400_000_000) as i64) * 1_000_000)
            }
            Meaning::Integer | Meaning::Float | Meaning::Duration => self.number(leaf),
        }
    }

    fn number(&mut self, leaf: &Leaf) -> Value {
        let range = (!leaf.ranges_of_raw)
            .then(|| {
                leaf.ranges
                    .get(self.below(leaf.ranges.len() as u64) as usize)
            })
            .flatten();
        let part = self.next() as f64 / u64::MAX as f64;
        if matches!(leaf.meaning, Meaning::Integer) && leaf.calibrated_span().is_none() {
            let (mut least, mut most) = leaf.raw_integers().unwrap_or((-1000, 1000));
            if let Some(range) = range {
                least = least.max(range.minimum.map_or(least, |m| m.ceil() as i128));
                most = most.min(range.maximum.map_or(most, |m| m.floor() as i128));
            }
            let ends = [least, most];
            let random = least + (u128::from(self.next()) % ((most - least) as u128 + 1)) as i128;
            return Value::Integer(*ends.get(self.below(8) as usize).unwrap_or(&random));
        }
        let (mut least, mut most) = leaf.calibrated_span().unwrap_or((-1e6, 1e6));
        if let Some((low, high)) = leaf
            .raw_integers()
            .filter(|_| leaf.calibrated_span().is_none())
        {
            (least, most) = (low as f64, high as f64);
        }
        if let Some(range) = range {
            least = range.minimum.map_or(least, |m| m.max(least));
            most = range.maximum.map_or(most, |m| m.min(most));
        }
        let mut value = least + (most - least) * part;
        if leaf.raw_integers().is_some() && leaf.calibrated_span().is_none() {
            value = value.round();
        }
        if leaf.raw_integers().is_none() && leaf.bits() == Some(32) {
            value = f64::from(value as f32);
        }
        Value::Float(value.clamp(least, most))
    }
}
