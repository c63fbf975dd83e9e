//! Dates and times of recorded files as nanoseconds.

/// Nanoseconds from the start of the year 1970 to `2023-11-16 18:17:03.9799600`.
pub(crate) fn timestamp(text: &str) -> Option<u64> {
    let utc = text.strip_suffix('Z').or(text.strip_suffix("+00:00"));
    let (date, time) = utc.unwrap_or(text).trim_end().split_once([' ', 'T'])?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (
        number(date.next()?)?,
        number(date.next()?)?,
        number(date.next()?)?,
    );
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (number(time.next()?)?, number(time.next()?)?);
    let (second, fraction) = time
        .next()
        .map(|second| second.split_once('.').unwrap_or((second, "0")))?;
    let second = number(second)?;
    let valid = (1970..2500).contains(&year)
        && (1..=12).contains(&month)
        && (1..=length(year, month)).contains(&day);
    if !valid
        || hour > 23
        || minute > 59
        || second > 59
        || fraction.is_empty()
        || fraction.len() > 9
    {
        return None;
    }
    let digits = u32::try_from(fraction.len()).ok()?;
    let nanos = number(fraction)? * 10_u64.pow(9 - digits);
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000_000_000 + nanos)
}

fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Days of a month.
fn length(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, for years from 1970 on. Source: H. Hinnant, chrono-compatible low-level date algorithms.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since 1970 as `date -u -d … +%s` prints them.
    #[test]
    fn times_agree_with_the_calendar() {
        for (text, seconds) in [
            ("1970-01-01 00:00:00", 0),
            ("2000-03-01 00:00:00", 951_868_800),
            ("2024-02-29 23:59:59", 1_709_251_199),
        ] {
            assert_eq!(timestamp(text), Some(seconds * 1_000_000_000), "{text}");
        }
        assert_eq!(timestamp("1970-01-01 00:00:00.0000001"), Some(100));
        for text in ["1970-01-01T00:00:01Z", "1970-01-01 00:00:01+00:00"] {
            assert_eq!(timestamp(text), Some(1_000_000_000), "{text}");
        }
        for text in [
            "2023-13-01 00:00:00",
            "2023-00-01 00:00:00",
            "2023-02-30 00:00:00",
            "2023-02-29 00:00:00",
            "1900-02-29 00:00:00",
            "2023-04-31 00:00:00",
            "2023-04-30 24:00:00",
            "2023-04-30 23:60:00",
            "2023-04-30 23:59:60",
            "2023-04-30 23:59:59ZZ",
            "2023-04-30 23:59:59+02:00",
            "18:17:03",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
