//! Numbers compared exactly: no conversion that rounds, and NaN equals nothing.

use std::cmp::Ordering;

/// A number as its source told it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    /// Whole.
    Int(i128),
    /// With a fraction or an exponent.
    Float(f64),
}

impl Number {
    /// Reads a whole number, else a float.
    pub(crate) fn parse(text: &str) -> Option<Number> {
        let text = text.trim();
        // `inf` and `nan` are words before they are numbers.
        if !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        text.parse().map(Number::Int).or_else(|_| text.parse().map(Number::Float)).ok()
    }
    /// How the two compare; `None` if one is NaN.
    pub(crate) fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
            (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
            (Number::Int(a), Number::Float(b)) => int_float(a, b),
            (Number::Float(a), Number::Int(b)) => int_float(b, a).map(Ordering::reverse),
        }
    }
}

fn int_float(int: i128, float: f64) -> Option<Ordering> {
    // 2^127, the first float beyond every i128.
    const BOUND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float.is_nan() {
        return None;
    }
    if float >= BOUND {
        return Some(Ordering::Less);
    }
    if float < -BOUND {
        return Some(Ordering::Greater);
    }
    // Within the bounds the whole part converts exactly.
    let whole = float.trunc();
    let fraction = float - whole;
    Some(int.cmp(&(whole as i128)).then(0.0f64.partial_cmp(&fraction)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compare(a: i128, b: f64) -> Option<Ordering> {
        Number::Int(a).compare(Number::Float(b))
    }

    #[test]
    fn whole_numbers_and_floats_compare_without_rounding() {
        let edge = (1i128 << 53) + 1;
        assert_eq!(compare(edge, edge as f64), Some(Ordering::Greater));
        assert_eq!(compare(i64::MAX.into(), 9_223_372_036_854_775_808.0), Some(Ordering::Less));
        assert_eq!(compare(u64::MAX.into(), 18_446_744_073_709_551_616.0), Some(Ordering::Less));
        assert_eq!(compare(1, 1.5), Some(Ordering::Less));
        assert_eq!(compare(-1, -1.5), Some(Ordering::Greater));
        assert_eq!(compare(0, -0.0), Some(Ordering::Equal));
        assert_eq!(compare(i128::MAX, f64::INFINITY), Some(Ordering::Less));
        assert_eq!(compare(i128::MIN, f64::NEG_INFINITY), Some(Ordering::Greater));
        assert_eq!(compare(i128::MIN, i128::MIN as f64), Some(Ordering::Equal));
        assert_eq!(compare(0, f64::NAN), None);
    }

    #[test]
    fn text_is_read_as_the_number_it_says() {
        assert!(matches!(Number::parse("9007199254740993"), Some(Number::Int(9_007_199_254_740_993))));
        assert!(matches!(Number::parse("-1.5e3"), Some(Number::Float(value)) if value == -1500.0));
        assert!(Number::parse("nan").is_none() && Number::parse("12 apples").is_none() && Number::parse("").is_none());
    }

    proptest! {
        #[test]
        fn comparison_agrees_with_itself_turned_around(a in any::<i64>(), b in any::<f64>()) {
            let there = Number::Int(a.into()).compare(Number::Float(b));
            let back = Number::Float(b).compare(Number::Int(a.into()));
            prop_assert_eq!(there, back.map(Ordering::reverse));
        }
    }
}
