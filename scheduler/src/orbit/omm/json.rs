//! OMM in JSON: an object of keywords, or an array of them, as catalogues publish it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use super::{FIXED, KEYWORDS, Scalar, Values, written};
use crate::orbit::Elements;
use crate::orbit::error::FileError;
use crate::orbit::file::OrbitFile;

/// Reads the objects one after the other; only their elements stay.
pub(in crate::orbit) fn read(text: &str, file: &mut OrbitFile) -> Result<(), FileError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let records = Records(file);
    records.deserialize(&mut reader).map_err(FileError::Json)?;
    reader.end().map_err(FileError::Json)
}

/// Elements as a JSON array of OMM keywords, an object a line.
///
/// # Errors
/// None in practice; what `serde_json` says.
pub fn write(elements: &[Elements]) -> Result<String, serde_json::Error> {
    let mut text = String::from("[");
    for (index, elements) in elements.iter().enumerate() {
        let fixed = FIXED.map(|(keyword, value)| (keyword.to_owned(), value.into()));
        let values = written(elements)
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(keyword, value)| {
                let is_text = keyword.starts_with("OBJECT") || keyword == "EPOCH";
                let number = value.parse().ok().filter(|_| !is_text);
                let value = number.map_or(value.into(), Value::Number);
                (keyword.to_owned(), value)
            });
        let object: Map<_, _> = fixed.into_iter().chain(values).collect();
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&serde_json::to_string(&object)?);
    }
    text.push_str("\n]\n");
    Ok(text)
}

struct Records<'f>(&'f mut OrbitFile);

impl<'de> DeserializeSeed<'de> for Records<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of OMM keywords, or an array of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while let Some(Record(values)) = records.next_element()? {
            values.finish(None, self.0);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        values(map)?.finish(None, self.0);
        Ok(())
    }
}

struct Record<'a>(Values<'a>);

impl<'de> Deserialize<'de> for Record<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keywords;
        impl<'de> Visitor<'de> for Keywords {
            type Value = Record<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of OMM keywords")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                values(map).map(Record)
            }
        }
        deserializer.deserialize_map(Keywords)
    }
}

fn values<'de, A: MapAccess<'de>>(mut map: A) -> Result<Values<'de>, A::Error> {
    let mut values = Values::default();
    while let Some(Text(keyword)) = map.next_key()? {
        if KEYWORDS.contains(&keyword.as_ref()) {
            if let Some(value) = map.next_value::<Option<Scalar<'de>>>()? {
                values.set(&keyword, value);
            }
        } else {
            map.next_value::<IgnoredAny>()?;
        }
    }
    Ok(values)
}

/// Text that is borrowed unless it holds escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Text(text) => Ok(Self(text)),
            Scalar::Number(_) | Scalar::Other => Err(serde::de::Error::custom("a key is text")),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneScalar)
    }
}

struct OneScalar;

impl<'de> Visitor<'de> for OneScalar {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}
