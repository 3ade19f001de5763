//! Durations as TraceQL writes them: `1h30m`, `1.5s`, and Prometheus' `1d`, `2w`, `1y`.

const UNITS: [(&str, i128); 11] = [
    ("y", 365 * 24 * 3_600_000_000_000),
    ("w", 7 * 24 * 3_600_000_000_000),
    ("d", 24 * 3_600_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ns", 1),
];

/// Nanoseconds of a text such as `1h30m`. Two grammars are one here, as in Tempo: whole numbers with units from years
/// to milliseconds, largest first; or numbers with fractions and units from hours to nanoseconds, in any order.
pub(super) fn parse(text: &str) -> Option<i64> {
    let mut rest = text;
    let (mut total, mut whole_and_falling, mut sub_day, mut last_unit) = (0i128, true, true, None);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let position = UNITS.iter().position(|(name, _)| *name == unit)?;
        let (_, scale) = UNITS[position];
        let (int, fraction) = number.split_once('.').unwrap_or((number, ""));
        if int.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        whole_and_falling &= !number.contains('.') && position <= 6 && last_unit.is_none_or(|last| last < position);
        sub_day &= position >= 3;
        last_unit = Some(position);
        let int: i128 = if int.is_empty() { 0 } else { int.parse().ok()? };
        total = total.checked_add(int.checked_mul(scale)?)?;
        // More digits than nanoseconds have are cut.
        let mut place = scale;
        for digit in fraction.bytes().take(20) {
            place /= 10;
            total = total.checked_add(i128::from(digit - b'0') * place)?;
        }
        rest = tail;
    }
    if last_unit.is_none() || !(whole_and_falling || sub_day) {
        return None;
    }
    i64::try_from(total).ok()
}

/// The shortest text of one unit that says exactly this many nanoseconds.
pub(super) fn print(nanoseconds: i64) -> String {
    let exact = |scale: i64| nanoseconds % scale == 0;
    let (scale, unit) = match nanoseconds {
        0 => (1_000_000_000, "s"),
        _ if exact(3_600_000_000_000) => (3_600_000_000_000, "h"),
        _ if exact(60_000_000_000) => (60_000_000_000, "m"),
        _ if exact(1_000_000_000) => (1_000_000_000, "s"),
        _ if exact(1_000_000) => (1_000_000, "ms"),
        _ if exact(1_000) => (1_000, "us"),
        _ => (1, "ns"),
    };
    format!("{}{unit}", nanoseconds / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_grammars_are_read_exactly_and_nothing_else_is() {
        assert_eq!(parse("1h15m30.918273645s"), Some(4_530_918_273_645));
        assert_eq!(parse("1y2w3d"), Some((365 + 14 + 3) * 86_400_000_000_000));
        assert_eq!(parse("1.5s"), Some(1_500_000_000));
        assert_eq!(parse(".24h"), Some(864_000_000_000));
        assert_eq!(parse("1m1h"), Some(3_660_000_000_000));
        assert_eq!(parse("7µs"), Some(7_000));
        for wrong in [
            "",
            "1",
            "s",
            "1.5d",
            "1d1ns",
            "1h1d",
            "1x",
            "1..5s",
            "9999999999h",
            "99999999999999999999999999999999999999999s",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for nanoseconds in [0, 1, 999, 1_000, 1_500_000, 90_000_000_000, 3_600_000_000_000, i64::MAX] {
            assert_eq!(parse(&print(nanoseconds)), Some(nanoseconds));
        }
    }
}
