//! Axes: ranges, ticks at round values, and how tick values are written.

use walras_analysis::words::number;

/// A continuous axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it shows, with the unit.
    pub label: String,
    /// Ticks: position and text.
    pub ticks: Vec<(f64, String)>,
    low: f64,
    high: f64,
    is_log: bool,
}

impl Axis {
    /// From `low` to `high`, or beyond to the next tick.
    #[must_use]
    pub fn linear(label: &str, low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = round_step((high - low) / 5.0);
        let (first, last) = ((low / step).floor(), (high / step - 1e-9).ceil());
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let mut ticks = Vec::new();
        let mut index = first;
        while index <= last {
            ticks.push((index * step, number(index * step, decimals)));
            index += 1.0;
        }
        Self {
            label: label.to_owned(),
            ticks,
            low: first * step,
            high: last * step,
            is_log: false,
        }
    }

    /// From `low` to `high` exactly, with the ticks of [`Axis::linear`] that lie between.
    #[must_use]
    pub fn between(label: &str, low: f64, high: f64) -> Self {
        let wide = Self::linear(label, low, high);
        let slack = (high - low) * 1e-9;
        let is_inside =
            |(value, _): &(f64, String)| low - slack <= *value && *value <= high + slack;
        Self {
            ticks: wide.ticks.into_iter().filter(is_inside).collect(),
            low,
            high: if high > low { high } else { low + 1.0 },
            label: label.to_owned(),
            is_log: false,
        }
    }

    /// No scale at all, for rows with names.
    #[must_use]
    pub fn rows() -> Self {
        Self {
            label: String::new(),
            ticks: Vec::new(),
            low: 0.0,
            high: 1.0,
            is_log: false,
        }
    }

    /// From zero to one, in percent.
    #[must_use]
    pub fn percent(label: &str) -> Self {
        let ticks = (0..=5)
            .map(|i| (f64::from(i) / 5.0, format!("{} %", i * 20)))
            .collect();
        Self {
            label: label.to_owned(),
            ticks,
            low: 0.0,
            high: 1.0,
            is_log: false,
        }
    }

    /// Years from zero to `years`, or days where these are few.
    #[must_use]
    pub fn years(years: f64) -> Self {
        const DAY: f64 = 1.0 / 365.0;
        let steps = [
            DAY,
            2.0 * DAY,
            7.0 * DAY,
            14.0 * DAY,
            30.0 * DAY,
            60.0 * DAY,
            0.25,
            0.5,
            1.0,
            2.0,
            5.0,
            10.0,
        ];
        let step = steps.into_iter().find(|step| years / step <= 10.0);
        let step = step.unwrap_or(years / 8.0);
        let mut ticks = Vec::new();
        let mut at = 0.0;
        while at <= years * (1.0 + 1e-9) {
            let text = if step < 0.25 {
                format!("{} d", trimmed(at / DAY, 0))
            } else {
                format!("{} y", trimmed(at, 2))
            };
            ticks.push((at, text));
            at += step;
        }
        Self {
            high: years,
            ticks,
            ..Self::hours(1.0)
        }
    }

    /// Hours from zero to `hours`.
    #[must_use]
    pub fn hours(hours: f64) -> Self {
        let steps = [
            1.0 / 60.0,
            0.1,
            0.25,
            0.5,
            1.0,
            2.0,
            3.0,
            4.0,
            6.0,
            12.0,
            24.0,
            48.0,
            168.0,
        ];
        let step = steps
            .into_iter()
            .find(|step| hours / step <= 9.0)
            .unwrap_or(hours / 8.0);
        let mut ticks = Vec::new();
        let mut hour = 0.0;
        while hour <= hours * (1.0 + 1e-9) {
            ticks.push((hour, format!("{} h", trimmed(hour, 2))));
            hour += step;
        }
        Self {
            label: "simulated time".to_owned(),
            ticks,
            low: 0.0,
            high: hours,
            is_log: false,
        }
    }

    /// A logarithmic axis from `low` to `high`, both positive, written by `format`.
    #[must_use]
    pub fn log(label: &str, low: f64, high: f64, format: impl Fn(f64) -> String) -> Self {
        let decades = (high / low).log10();
        let factors: &[f64] = match decades {
            d if d < 0.7 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
            d if d < 1.1 => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
            d if d < 2.6 => &[1.0, 2.0, 5.0],
            d if d < 4.0 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let mut ticks = Vec::new();
        let mut decade = 10f64.powf(low.log10().floor());
        while decade <= high * 1.001 {
            let here = factors
                .iter()
                .map(|factor| decade * factor)
                .filter(|x| *x >= low * 0.999 && *x <= high * 1.001);
            ticks.extend(here.map(|x| (x, format(x))));
            decade *= 10.0;
        }
        Self {
            label: format!("{label}, log scale"),
            ticks,
            low,
            high,
            is_log: true,
        }
    }

    /// As [`log`](Self::log), reaching outward to 1, 2 or 5 times a power of ten.
    #[must_use]
    pub fn log_to_ticks(label: &str, low: f64, high: f64, format: impl Fn(f64) -> String) -> Self {
        let high = round_step(high);
        let low = round_step(low.recip()).recip();
        Self::log(label, low, high, format)
    }

    /// Where `value` lies between the ends, from 0 to 1; values beyond them are drawn at the end.
    #[must_use]
    pub fn share(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        share.clamp(0.0, 1.0)
    }

    /// Whether `value` lies on the axis.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// 1, 2 or 5 times a power of ten, at least `rough`.
fn round_step(rough: f64) -> f64 {
    let decade = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| decade * factor >= rough * (1.0 - 1e-9))
        .unwrap_or(10.0);
    decade * factor
}

/// A duration of `seconds` as on a tick: `20 ms`, `1.5 s`.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 0.999_5e-3 => (s * 1e6, "µs"),
        s if s < 0.999_5 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{} {unit}", trimmed(value, 2))
}

/// A factor as on a tick: `0.5×`.
#[must_use]
pub fn times(factor: f64) -> String {
    format!("{}×", trimmed(factor, 9))
}

/// A plain number as on a tick.
#[must_use]
pub fn plain(value: f64) -> String {
    trimmed(value, 9)
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = number(value, decimals);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(texts(&Axis::linear("", 0.0, 2.7)), ["0", "1", "2", "3"]);
        assert_eq!(
            texts(&Axis::linear("", 0.0, 0.9)),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            texts(&Axis::linear("", -0.3, 0.4)),
            ["−0.4", "−0.2", "0.0", "0.2", "0.4"]
        );
        assert_eq!(
            texts(&Axis::linear("", 0.0, 3_712.0)),
            ["0", "1,000", "2,000", "3,000", "4,000"]
        );
        assert_eq!(
            texts(&Axis::log("", 0.01, 2.0, seconds)),
            [
                "10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms", "1 s", "2 s"
            ]
        );
        assert_eq!(
            texts(&Axis::hours(24.0)),
            [
                "0 h", "3 h", "6 h", "9 h", "12 h", "15 h", "18 h", "21 h", "24 h"
            ]
        );
    }

    #[test]
    fn places_are_shares_of_the_axis() {
        let axis = Axis::log("", 0.1, 10.0, plain);
        assert!((axis.share(1.0) - 0.5).abs() < 1e-12);
        assert!((axis.share(0.0)).abs() < 1e-12 && !axis.holds(0.0));
    }
}
