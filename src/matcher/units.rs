//! Numbers with units, exactly: durations in nanoseconds (humantime's units), sizes in bytes, shares in percent.

use super::Literal;

const DURATIONS: &[(&str, i128)] = &[
    ("ns", 1),
    ("nsec", 1),
    ("nanos", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("usec", 1_000),
    ("micros", 1_000),
    ("ms", 1_000_000),
    ("msec", 1_000_000),
    ("millis", 1_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("secs", 1_000_000_000),
    ("second", 1_000_000_000),
    ("seconds", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("mins", 60_000_000_000),
    ("minute", 60_000_000_000),
    ("minutes", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("hr", 3_600_000_000_000),
    ("hrs", 3_600_000_000_000),
    ("hour", 3_600_000_000_000),
    ("hours", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("day", 86_400_000_000_000),
    ("days", 86_400_000_000_000),
];

const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A number with or without a unit; `None` for anything else.
pub fn parse(text: &str) -> Option<Literal> {
    match crate::yaml::core(text) {
        crate::yaml::Core::Int(value) => return Some(Literal::Int(value)),
        crate::yaml::Core::Float(value) => return Some(Literal::Float(value)),
        _ => {}
    }
    if let Some(number) = text.strip_suffix('%') {
        let number = number.trim_end();
        return scaled(number, super::SHARE_OF_ONE / 100).map(Literal::Share);
    }
    duration(text).map(Literal::Duration).or_else(|| size(text).map(Literal::Size))
}

/// A duration in nanoseconds: `200ms`, `1.5s`, `1m 30s`.
pub fn duration(text: &str) -> Option<i128> {
    let mut rest = text.trim();
    let mut total: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let after = after.trim_start();
        let (unit, next) = after.split_at(after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len()));
        let scale = DURATIONS.iter().find(|(name, _)| *name == unit)?.1;
        total = total.checked_add(scaled(number, scale)?)?;
        rest = next.trim_start();
    }
    (total <= i128::from(i64::MAX)).then_some(total)
}

/// A number of bytes with a unit: `10kB`, `1.5 MiB`.
pub fn size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?);
    let scale = SIZES.iter().find(|(name, _)| *name == unit.trim_start())?.1;
    u64::try_from(scaled(number, i128::from(scale))?).ok()
}

/// `number * scale`, if that is whole.
fn scaled(number: &str, scale: i128) -> Option<i128> {
    let (mantissa, power) = decimal(number)?;
    let product = mantissa.checked_mul(scale)?;
    (product % power == 0).then(|| product / power)
}

/// A decimal as a fraction over a power of ten.
fn decimal(number: &str) -> Option<(i128, i128)> {
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (number, ""),
    };
    if whole.is_empty() || whole.len() + fraction.len() > 30 {
        return None;
    }
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mantissa = format!("{whole}{fraction}").parse().ok()?;
    Some((mantissa, 10i128.checked_pow(fraction.len() as u32)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact() {
        for (text, ns) in [
            ("3s", 3_000_000_000),
            ("1.5s", 1_500_000_000),
            ("99.7ms", 99_700_000),
            ("1m 30s", 90_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("250us", 250_000),
            ("0.000001ms", 1),
            ("2 days", 172_800_000_000_000),
        ] {
            assert_eq!(duration(text), Some(ns), "{text}");
        }
        for text in ["", "3", "s", "3 x", "0.5ns", "1.s", ".5s", "3s 4", "999999999999d", "-3s", "1..2s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_and_shares_have_their_own_units() {
        assert_eq!(parse("10kB"), Some(Literal::Size(10_000)));
        assert_eq!(parse("1.5 KiB"), Some(Literal::Size(1536)));
        assert_eq!(parse("60%"), Some(Literal::Share(600_000_000_000)));
        assert_eq!(parse("33.25%"), Some(Literal::Share(332_500_000_000)));
        assert_eq!(parse("0.00000000001%"), None);
        assert_eq!(parse("12"), Some(Literal::Int(12)));
        assert_eq!(parse("1.5"), Some(Literal::Float(1.5)));
        assert_eq!(parse("12x"), None);
    }

    #[test]
    fn a_shown_duration_reads_back() {
        for ns in [0, 1, 999, 1_000, 1_500, 99_700_000, 3_000_000_000, 90_000_000_001, i128::from(i64::MAX)] {
            assert_eq!(duration(&crate::matcher::show_duration(ns)), Some(ns));
        }
    }
}
