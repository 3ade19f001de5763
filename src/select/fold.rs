//! Arithmetic between values, with Tempo's types: two whole numbers give a whole number, anything else a float.

use super::ast::{FieldOp, Static};

/// A number of one of the three numeric types.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
    Duration(i64),
}

impl Number {
    /// Whole numbers wrap around, as in Go.
    pub(super) fn negated(self) -> Number {
        match self {
            Number::Int(value) => Number::Int(value.wrapping_neg()),
            Number::Float(value) => Number::Float(-value),
            Number::Duration(value) => Number::Duration(value.wrapping_neg()),
        }
    }
    pub(super) fn as_f64(self) -> f64 {
        match self {
            Number::Int(value) | Number::Duration(value) => value as f64,
            Number::Float(value) => value,
        }
    }
}

/// `lhs op rhs`, or `None` for a division of whole numbers by zero. Whole numbers wrap around, as in Go.
pub(super) fn arithmetic(op: FieldOp, lhs: Number, rhs: Number) -> Option<Number> {
    if let (Number::Int(lhs), Number::Int(rhs)) = (lhs, rhs) {
        return Some(Number::Int(match op {
            FieldOp::Add => lhs.wrapping_add(rhs),
            FieldOp::Sub => lhs.wrapping_sub(rhs),
            FieldOp::Mul => lhs.wrapping_mul(rhs),
            FieldOp::Div if rhs == 0 => return None,
            FieldOp::Div => lhs.wrapping_div(rhs),
            FieldOp::Mod if rhs == 0 => return None,
            FieldOp::Mod => lhs.wrapping_rem(rhs),
            FieldOp::Pow => (lhs as f64).powf(rhs as f64) as i64,
            _ => return None,
        }));
    }
    let (lhs, rhs) = (lhs.as_f64(), rhs.as_f64());
    Some(Number::Float(match op {
        FieldOp::Add => lhs + rhs,
        FieldOp::Sub => lhs - rhs,
        FieldOp::Mul => lhs * rhs,
        FieldOp::Div => lhs / rhs,
        FieldOp::Mod => lhs % rhs,
        FieldOp::Pow => lhs.powf(rhs),
        _ => return None,
    }))
}

/// Arithmetic between the constants beside an aggregate, which Tempo's grammar folds while reading.
pub(super) fn constant(op: FieldOp, lhs: &Static, rhs: &Static) -> Result<Static, String> {
    if matches!(op, FieldOp::Mod | FieldOp::Pow) {
        return Err(format!("`{}` cannot stand between constants here; write the value", op.symbol()));
    }
    let number = |value: &Static| match value {
        Static::Int(value) => Ok(Number::Int(*value)),
        Static::Float(value) => Ok(Number::Float(*value)),
        Static::Duration(value) => Ok(Number::Duration(*value)),
        _ => Err("a variable cannot take part in arithmetic here; compute its value where it is set".to_owned()),
    };
    match arithmetic(op, number(lhs)?, number(rhs)?) {
        Some(Number::Int(value)) => Ok(Static::Int(value)),
        Some(Number::Float(value)) if value.is_finite() => Ok(Static::Float(value)),
        Some(Number::Duration(value)) => Ok(Static::Duration(value)),
        _ => Err("a division by zero".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_stay_whole_and_all_else_is_a_float() {
        use Number::*;
        assert_eq!(arithmetic(FieldOp::Div, Int(7), Int(2)), Some(Int(3)));
        assert_eq!(arithmetic(FieldOp::Pow, Int(2), Int(10)), Some(Int(1024)));
        assert_eq!(arithmetic(FieldOp::Div, Int(1), Int(0)), None);
        assert_eq!(arithmetic(FieldOp::Div, Int(i64::MIN), Int(-1)), Some(Int(i64::MIN)));
        assert_eq!(arithmetic(FieldOp::Mul, Duration(2), Int(3)), Some(Float(6.0)));
        assert_eq!(arithmetic(FieldOp::Mod, Float(7.5), Int(2)), Some(Float(1.5)));
    }
}
