//! What electricity costs: a price by region, moved by the hour of the day and the month.
//!
//! Most households pay the same at all hours. Who has a dynamic tariff pays a fixed part (grid, taxes) and the price of the exchange, whose
//! profile by hour and month is [`DayAhead`].

/// The price at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Tariff {
    /// Mean over a year [USD/kWh].
    pub usd_per_kwh: f64,
    /// Share of the mean that follows the exchange; zero for the flat tariff of most households.
    pub exchange_share: f64,
    /// How prices of the exchange move; what they are relative to each other is all that counts.
    pub profile: DayAhead,
    /// Hours that the local clock, on standard time, is ahead of universal time.
    pub utc_offset: f64,
}

/// Prices of an exchange by hour of the local day, and by month, each over their mean.
#[derive(Clone, Debug, PartialEq)]
pub struct DayAhead {
    /// From midnight, local standard time.
    pub hours: [f64; 24],
    /// From January.
    pub months: [f64; 12],
}

impl DayAhead {
    /// The same at all times.
    pub const FLAT: Self = Self {
        hours: [1.0; 24],
        months: [1.0; 12],
    };
    /// Germany and Luxembourg, 2024: dear in the evening and in winter, cheap under the midday sun.
    ///
    /// This and the next three: hourly day-ahead prices of 2024 as gathered by github.com/HewlettPackard/green-dcc (MIT) from ENTSO-E
    /// and other exchanges, means by hour and month over the mean of the year.
    pub const GERMANY: Self = Self {
        hours: [
            0.93, 0.88, 0.84, 0.83, 0.85, 0.95, 1.09, 1.18, 1.13, 0.99, 0.84, 0.72, 0.64, 0.60,
            0.64, 0.77, 0.98, 1.26, 1.51, 1.60, 1.45, 1.23, 1.09, 1.00,
        ],
        months: [
            0.97, 0.78, 0.82, 0.79, 0.86, 0.93, 0.86, 1.05, 1.00, 1.10, 1.45, 1.38,
        ],
    };
    /// Texas, 2024: scarce when the sun sets.
    pub const TEXAS: Self = Self {
        hours: [
            0.65, 0.61, 0.58, 0.60, 0.65, 0.79, 0.98, 1.06, 0.91, 0.71, 0.62, 0.65, 0.70, 0.75,
            0.80, 0.90, 1.09, 1.56, 2.43, 2.65, 1.77, 1.04, 0.80, 0.70,
        ],
        months: [
            1.56, 0.52, 0.78, 0.82, 1.60, 1.09, 0.82, 1.28, 0.85, 0.94, 0.82, 0.89,
        ],
    };
    /// Tokyo, 2024.
    pub const TOKYO: Self = Self {
        hours: [
            0.96, 0.93, 0.90, 0.90, 0.91, 0.92, 0.94, 0.95, 0.92, 0.91, 0.91, 0.87, 0.82, 0.83,
            0.91, 1.00, 1.11, 1.22, 1.29, 1.30, 1.25, 1.16, 1.09, 1.01,
        ],
        months: [
            0.82, 0.77, 0.88, 0.84, 0.87, 0.95, 1.21, 1.14, 1.17, 1.18, 1.09, 1.07,
        ],
    };
    /// New South Wales, 2024: winter is in the middle of the year.
    pub const NEW_SOUTH_WALES: Self = Self {
        hours: [
            0.78, 0.71, 0.68, 0.68, 0.71, 0.73, 0.83, 1.02, 0.93, 0.60, 0.43, 0.36, 0.33, 0.55,
            0.77, 0.88, 1.47, 2.70, 2.96, 1.93, 1.19, 0.97, 0.91, 0.86,
        ],
        months: [
            0.62, 0.85, 0.54, 0.69, 2.09, 1.17, 0.97, 1.33, 0.44, 0.59, 1.68, 1.03,
        ],
    };
}

/// Hours from the beginning of a year of 365 days to those of its months, and to its end.
const MONTHS: [f64; 13] = [
    0.0, 744.0, 1416.0, 2160.0, 2880.0, 3624.0, 4344.0, 5088.0, 5832.0, 6552.0, 7296.0, 8016.0,
    8760.0,
];
const YEAR: f64 = 8760.0;

impl Tariff {
    /// The same price at all times.
    #[must_use]
    pub fn flat(usd_per_kwh: f64) -> Self {
        Self {
            usd_per_kwh,
            exchange_share: 0.0,
            profile: DayAhead::FLAT,
            utc_offset: 0.0,
        }
    }

    /// The price at a time [h from a first of January, universal time; USD/kWh].
    #[must_use]
    pub fn at(&self, hours: f64) -> f64 {
        let local = hours + self.utc_offset;
        let hour = local.rem_euclid(24.0) as usize % 24;
        let month = month_of(local);
        let means = self.means();
        let relative = self.profile.hours[hour] / means.0 * (self.profile.months[month] / means.1);
        self.price(relative)
    }

    /// The mean price of some hours that belong to one month, whole days or a few hours [USD/kWh]: cheap for an epoch of any length up to
    /// a month, and exact for whole days.
    #[must_use]
    pub fn mean(&self, from: f64, hours: f64) -> f64 {
        let middle = from + 0.5 * hours;
        if hours < 24.0 {
            let parts = hours.ceil().max(1.0);
            let step = hours / parts;
            let prices = (0..parts as u32).map(|i| self.at(from + (f64::from(i) + 0.5) * step));
            return prices.sum::<f64>() / parts;
        }
        let month = month_of(middle + self.utc_offset);
        self.price(self.profile.months[month] / self.means().1)
    }

    /// A price of the exchange over its mean to what is paid.
    fn price(&self, relative: f64) -> f64 {
        self.usd_per_kwh * (1.0 + self.exchange_share * (relative - 1.0))
    }

    /// Mean of the profile over the hours of a day, and over the months of a year by their lengths.
    fn means(&self) -> (f64, f64) {
        let day = self.profile.hours.iter().sum::<f64>() / 24.0;
        let year = (self.profile.months.iter().zip(MONTHS.windows(2)))
            .map(|(factor, bounds)| factor * (bounds[1] - bounds[0]))
            .sum::<f64>();
        (day, year / YEAR)
    }
}

/// The month of a time in hours from a first of January: years of 365 days.
fn month_of(hours: f64) -> usize {
    let into = hours.rem_euclid(YEAR);
    MONTHS[1..12].partition_point(|&begin| begin <= into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn berlin() -> Tariff {
        Tariff {
            usd_per_kwh: 0.4,
            exchange_share: 0.3,
            profile: DayAhead::GERMANY,
            utc_offset: 1.0,
        }
    }

    /// The mean over a year is the mean; the evening is dear, and the month has its place.
    #[test]
    fn profiles_keep_the_mean() {
        let tariff = berlin();
        let mean = (0..8760)
            .map(|hour| tariff.at(f64::from(hour) + 0.5))
            .sum::<f64>()
            / 8760.0;
        assert!((mean / 0.4 - 1.0).abs() < 1e-12, "{mean}");
        // 18:30 universal time is the 20th hour in Berlin; the middle of November.
        let november = MONTHS[10] + 14.0 * 24.0;
        assert!(tariff.at(november + 18.5) > 1.3 * tariff.at(november + 12.5));
        let day = tariff.mean(november - 1.0, 24.0);
        let hours = (0..24).map(|hour| tariff.at(november - 1.0 + f64::from(hour) + 0.5));
        assert!((day / (hours.sum::<f64>() / 24.0) - 1.0).abs() < 1e-12);
        let evening = tariff.mean(november + 18.0, 2.0);
        let hours = [18.5, 19.5].map(|hour| tariff.at(november + hour));
        assert!((evening - 0.5 * (hours[0] + hours[1])).abs() < 1e-15);
    }

    #[test]
    fn months_begin_when_they_do() {
        for (hours, month) in [
            (0.0, 0),
            (743.9, 0),
            (744.0, 1),
            (8015.9, 10),
            (8759.9, 11),
            (8760.0, 0),
            (-0.1, 11),
        ] {
            assert_eq!(month_of(hours), month, "{hours}");
        }
    }

    /// The constants are those of the record, to its rounding: hours and months of 2024 in local standard time.
    #[test]
    fn profiles_are_those_of_the_record() {
        let file = "energy/electricity_price_2024_hourly_wide.csv";
        let data = std::env::var_os("WALRAS_DATA").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
            std::path::PathBuf::from,
        );
        let Ok(text) = std::fs::read_to_string(data.join(file)) else {
            println!("skipped: {file} is not there; set WALRAS_DATA");
            return;
        };
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap().split(',').collect();
        for (zone, offset, profile) in [
            ("DE-LU", 1, DayAhead::GERMANY),
            ("US-TEX-ERCO", -6, DayAhead::TEXAS),
            ("JP-TK", 9, DayAhead::TOKYO),
            ("AU-NSW", 10, DayAhead::NEW_SOUTH_WALES),
        ] {
            let column = names.iter().position(|name| *name == zone).unwrap();
            let mut sums = [[(0.0, 0.0); 24]; 2];
            for line in lines.clone() {
                let fields: Vec<&str> = line.split(',').collect();
                let Ok(price) = fields[column].parse::<f64>() else {
                    continue;
                };
                let number = |from, to| fields[0][from..to].parse::<i64>().unwrap();
                // Hours of a leap year from its beginning, in local time; what belongs to another year is left out.
                let months = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366];
                let day = months[number(5, 7) as usize - 1] + number(8, 10) - 1;
                let local = 24 * day + number(11, 13) + offset;
                if !(0..366 * 24).contains(&local) {
                    continue;
                }
                let month = months[1..].partition_point(|&begin| begin <= local / 24);
                for (of, index) in [((local % 24) as usize), month].into_iter().enumerate() {
                    sums[of][index].0 += price;
                    sums[of][index].1 += 1.0;
                }
            }
            let (all, count) = sums[0]
                .iter()
                .fold((0.0, 0.0), |(all, n), sum| (all + sum.0, n + sum.1));
            for (of, factors) in [&profile.hours[..], &profile.months[..]]
                .into_iter()
                .enumerate()
            {
                for (index, factor) in factors.iter().enumerate() {
                    let (sum, n) = sums[of][index];
                    let found = sum / n / (all / count);
                    assert!(
                        (found - factor).abs() < 0.006,
                        "{zone} {index}: {found} {factor}"
                    );
                }
            }
        }
    }
}
