//! Scalars with a unit: durations, frequencies, shares and weights.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

use crate::document::Value;

/// Why a scalar is no quantity, and what would work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// What would work.
    pub hint: Option<String>,
}

/// Kinds of quantity, by the `format` that stands for them in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A length of time.
    Duration,
    /// Events per time.
    Frequency,
    /// A part of a whole.
    Share,
    /// A part in proportion to others.
    Weight,
}

/// Units of time and their length [s].
const UNITS: [(&str, f64); 9] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("min", 60.0),
    ("h", 3600.0),
    ("d", 86400.0),
    ("w", 604_800.0),
    ("y", 31_536_000.0),
];

/// The longest duration [s]: a hundred years of 365 days.
const LONGEST: f64 = 3_153_600_000.0;

impl Quantity {
    /// The quantity with this `format`.
    #[must_use]
    pub fn of_format(format: &str) -> Option<Self> {
        [Self::Duration, Self::Frequency, Self::Share, Self::Weight]
            .into_iter()
            .find(|kind| kind.format() == format)
    }

    fn format(self) -> &'static str {
        match self {
            Self::Duration => "walras-duration",
            Self::Frequency => "walras-frequency",
            Self::Share => "walras-share",
            Self::Weight => "walras-weight",
        }
    }

    /// What to call it, with an example.
    #[must_use]
    pub fn expectation(self) -> &'static str {
        match self {
            Self::Duration => "a duration with a unit",
            Self::Frequency => "a frequency such as `2.5 /h`",
            Self::Share => "a share such as `0.05` or `5 %`",
            Self::Weight => "a weight such as `0.6` or `60 %`",
        }
    }

    /// The value in seconds, 1/seconds, or as a plain number.
    ///
    /// # Errors
    /// If the scalar is no such quantity, or out of its range.
    pub fn read(self, value: &Value) -> Result<f64, Mistake> {
        match (self, value) {
            (Self::Duration, Value::Text(text)) => duration(text),
            (Self::Duration, Value::Integer(_) | Value::Float(_)) => {
                Err(without_unit(&value.written().unwrap_or_default()))
            }
            (Self::Frequency, Value::Text(text)) => frequency(text),
            (Self::Share | Self::Weight, Value::Text(text)) => {
                match text.strip_suffix('%').map(str::trim).map(str::parse::<f64>) {
                    Some(Ok(percent)) if percent.is_finite() => self.bounded(percent / 100.0, text),
                    _ => Err(self.unlike(value)),
                }
            }
            #[allow(clippy::cast_precision_loss)]
            (Self::Share | Self::Weight, Value::Integer(number)) => {
                self.bounded(*number as f64, &number.to_string())
            }
            (Self::Share | Self::Weight, Value::Float(number)) => {
                self.bounded(*number, &number.to_string())
            }
            _ => Err(self.unlike(value)),
        }
    }

    fn unlike(self, value: &Value) -> Mistake {
        Mistake::new(format!("expected {}, found {value}", self.expectation()))
    }

    fn bounded(self, number: f64, text: &str) -> Result<f64, Mistake> {
        let noun = if self == Self::Share {
            "share"
        } else {
            "weight"
        };
        if number < 0.0 {
            return Err(Mistake::new(format!(
                "a {noun} cannot be negative, found {text}"
            )));
        }
        if self == Self::Share && number > 1.0 {
            let mistake = Mistake::new(format!("a share cannot exceed 100 %, found {text}"));
            return Err(if text.ends_with('%') || number > 100.0 {
                mistake
            } else {
                mistake.hint(format!("did you mean `{text} %`?"))
            });
        }
        Ok(number)
    }
}

impl Mistake {
    fn new(message: String) -> Self {
        Self {
            message,
            hint: None,
        }
    }

    fn hint(self, hint: String) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }
}

fn without_unit(number: &str) -> Mistake {
    let expected = Quantity::Duration.expectation();
    Mistake::new(format!("expected {expected}, found the number {number}")).hint(format!(
        "write `{number} ms`, `{number} s`, `{number} min` or `{number} h`"
    ))
}

/// `24 h` in seconds.
fn duration(text: &str) -> Result<f64, Mistake> {
    let text = text.trim();
    let split = text
        .find(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E'))
        .unwrap_or(text.len());
    let (number, unit) = (text[..split].trim(), &text[split..]);
    let Ok(number) = number.parse::<f64>() else {
        return Err(Quantity::Duration
            .unlike(&Value::Text(text.to_owned()))
            .hint("for example `24 h`, `5 min`, `2 s` or `100 ms`".to_owned()));
    };
    if unit.is_empty() {
        return Err(without_unit(text));
    }
    let Some((_, seconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let known = UNITS.map(|(name, _)| name).join(", ");
        return Err(Mistake::new(format!("unknown unit of time `{unit}`"))
            .hint(format!("known units: {known}")));
    };
    if number < 0.0 {
        return Err(Mistake::new(format!(
            "a duration cannot be negative, found {text}"
        )));
    }
    let seconds = number * seconds;
    if seconds > LONGEST {
        return Err(Mistake::new(format!(
            "a duration cannot exceed 36500 d, found {text}"
        )));
    }
    Ok(seconds)
}

/// `2.5 /h` in events per second.
fn frequency(text: &str) -> Result<f64, Mistake> {
    let parts = text.split_once('/').and_then(|(number, unit)| {
        let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
        Some(number.trim().parse::<f64>().ok()? / seconds)
    });
    match parts {
        Some(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        Some(_) => Err(Mistake::new(format!(
            "a frequency must be positive, found {text}"
        ))),
        None => Err(Quantity::Frequency.unlike(&Value::Text(text.to_owned()))),
    }
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $schema:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
        pub struct $name(pub f64);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let scalar = match serde_json::Value::deserialize(deserializer)? {
                    serde_json::Value::String(text) => Value::Text(text),
                    serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
                    other => return Err(D::Error::custom(format!("expected {}, found {other}", Quantity::$name.expectation()))),
                };
                Quantity::$name.read(&scalar).map(Self).map_err(|mistake| D::Error::custom(mistake.message))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut schema: Schema = $schema;
                schema.insert("format".to_owned(), Quantity::$name.format().into());
                schema
            }
        }
    };
}

quantity!(
    /// A length of time [s].
    Duration,
    json_schema!({
        "description": "a length of time with a unit: `24 h`, `5 min`, `2 s`, `100 ms`, `10 y` of 365 days",
        "type": "string",
        "pattern": r"^\s*\+?[0-9.]+([eE][-+]?[0-9]+)?\s*(ns|us|ms|s|min|h|d|w|y)\s*$",
    })
);

quantity!(
    /// Events per time [1/s].
    Frequency,
    json_schema!({
        "description": "events per time: `2.5 /h`",
        "type": "string",
        "pattern": r"^\s*[0-9.]+([eE][-+]?[0-9]+)?\s*/\s*(ns|us|ms|s|min|h|d|w|y)\s*$",
    })
);

quantity!(
    /// A part of a whole, from 0 to 1.
    Share,
    json_schema!({
        "description": "a part of a whole: `0.05` or `5 %`",
        "type": ["number", "string"],
        "minimum": 0,
        "maximum": 1,
        "pattern": r"^[0-9.]+\s*%$",
    })
);

quantity!(
    /// A part in proportion to the others it stands with.
    Weight,
    json_schema!({
        "description": "a part in proportion to the others it stands with: `0.6` or `60 %`",
        "type": ["number", "string"],
        "minimum": 0,
        "pattern": r"^[0-9.]+\s*%$",
    })
);

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{} s", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn quantities_are_read() {
        let check = |kind: Quantity, value: Value, expect: f64| {
            assert_eq!(kind.read(&value), Ok(expect), "{value}");
        };
        check(Quantity::Duration, text("24 h"), 86400.0);
        check(Quantity::Duration, text("100ms"), 0.1);
        check(Quantity::Duration, text("1.5e3 s"), 1500.0);
        check(Quantity::Frequency, text("36 /h"), 0.01);
        check(Quantity::Share, text("5 %"), 0.05);
        check(Quantity::Share, Value::Float(0.05), 0.05);
        check(Quantity::Weight, Value::Integer(3), 3.0);
    }

    #[test]
    fn mistakes_say_what_would_work() {
        let check = |kind: Quantity, value: Value, message: &str, hint: Option<&str>| {
            let mistake = Mistake {
                message: message.into(),
                hint: hint.map(Into::into),
            };
            assert_eq!(kind.read(&value), Err(mistake), "{value}");
        };
        let hint = "write `30 ms`, `30 s`, `30 min` or `30 h`";
        check(
            Quantity::Duration,
            Value::Integer(30),
            "expected a duration with a unit, found the number 30",
            Some(hint),
        );
        check(
            Quantity::Duration,
            text("30"),
            "expected a duration with a unit, found the number 30",
            Some(hint),
        );
        check(
            Quantity::Duration,
            text("3 sec"),
            "unknown unit of time `sec`",
            Some("known units: ns, us, ms, s, min, h, d, w, y"),
        );
        check(
            Quantity::Duration,
            text("-1 s"),
            "a duration cannot be negative, found -1 s",
            None,
        );
        check(
            Quantity::Duration,
            text("200000 d"),
            "a duration cannot exceed 36500 d, found 200000 d",
            None,
        );
        check(
            Quantity::Share,
            text("120 %"),
            "a share cannot exceed 100 %, found 120 %",
            None,
        );
        check(
            Quantity::Share,
            Value::Integer(5),
            "a share cannot exceed 100 %, found 5",
            Some("did you mean `5 %`?"),
        );
        check(
            Quantity::Share,
            Value::Bool(true),
            "expected a share such as `0.05` or `5 %`, found `true`",
            None,
        );
        check(
            Quantity::Frequency,
            text("0 /h"),
            "a frequency must be positive, found 0 /h",
            None,
        );
    }
}
