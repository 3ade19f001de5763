//! Trace and span ids as W3C Trace Context defines them: 16 and 8 bytes, written as lower-case hex.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;

/// The 16-byte id that all spans of one trace share. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(NonZeroU128);

/// The 8-byte id of one span. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(NonZeroU64);

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A character that is not a hexadecimal digit.
    #[error("an id has only hexadecimal digits")]
    NotHex,
    /// No digit, or more digits than the id has.
    #[error("a trace id has 1 to 32 hexadecimal digits and a span id 1 to 16")]
    Length,
    /// All zeros, which W3C Trace Context reserves for "no id".
    #[error("an id of zeros is no id")]
    Zero,
}

impl TraceId {
    /// The id with this value, or `None` for zero.
    pub fn new(value: u128) -> Option<TraceId> {
        NonZeroU128::new(value).map(TraceId)
    }
    /// The id in these bytes (big-endian). Fewer than 16 bytes are padded on the left, as Jaeger and Tempo do.
    pub fn from_bytes(bytes: &[u8]) -> Option<TraceId> {
        let mut full = [0u8; 16];
        full.get_mut(16usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
        TraceId::new(u128::from_be_bytes(full))
    }
    /// The id that is left where a service handles only the last 64 bits of this one.
    pub fn half(self) -> Option<TraceId> {
        let half = self.get() & u128::from(u64::MAX);
        TraceId::new(half).filter(|half| *half != self)
    }
    /// The 16 bytes, big-endian.
    pub fn to_bytes(self) -> [u8; 16] {
        self.get().to_be_bytes()
    }
    /// The id as a number.
    pub fn get(self) -> u128 {
        self.0.get()
    }
}

impl SpanId {
    /// The id with this value, or `None` for zero.
    pub fn new(value: u64) -> Option<SpanId> {
        NonZeroU64::new(value).map(SpanId)
    }
    /// The id in these bytes (big-endian). Fewer than 8 bytes are padded on the left.
    pub fn from_bytes(bytes: &[u8]) -> Option<SpanId> {
        let mut full = [0u8; 8];
        full.get_mut(8usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
        SpanId::new(u64::from_be_bytes(full))
    }
    /// The 8 bytes, big-endian.
    pub fn to_bytes(self) -> [u8; 8] {
        self.get().to_be_bytes()
    }
    /// The id as a number.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

fn hex(text: &str, most: usize) -> Result<u128, IdError> {
    if text.is_empty() || text.len() > most {
        return Err(IdError::Length);
    }
    // The last 16 digits, and what stands before them.
    let (high, low) = text.as_bytes().split_at(text.len().saturating_sub(16));
    match (half(high), half(low)) {
        (Some(high), Some(low)) => Ok(u128::from(high) << 64 | u128::from(low)),
        _ => Err(IdError::NotHex),
    }
}

/// The number in up to 16 hexadecimal digits.
fn half(digits: &[u8]) -> Option<u64> {
    const NONE: u8 = u8::MAX;
    const DIGITS: [u8; 256] = {
        let mut digits = [NONE; 256];
        let mut digit = 0;
        while digit < 16 {
            digits[b"0123456789abcdef"[digit] as usize] = digit as u8;
            digits[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
            digit += 1;
        }
        digits
    };
    let (mut value, mut seen) = (0, 0);
    for digit in digits {
        let digit = DIGITS[usize::from(*digit)];
        seen |= digit;
        value = value << 4 | u64::from(digit & 0xf);
    }
    (seen & 0xf0 == 0).then_some(value)
}

/// Hex of either case; missing leading zeros are allowed, as Jaeger and Tempo allow them.
impl FromStr for TraceId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<TraceId, IdError> {
        TraceId::new(hex(text, 32)?).ok_or(IdError::Zero)
    }
}

/// Hex of either case; missing leading zeros are allowed.
impl FromStr for SpanId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<SpanId, IdError> {
        // 16 digits fit in a u64, so the narrowing loses nothing.
        SpanId::new(hex(text, 16)? as u64).ok_or(IdError::Zero)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_padded_on_the_left_and_printed_in_full() {
        assert_eq!("ab".parse::<SpanId>().unwrap().to_string(), "00000000000000ab");
        assert_eq!(
            "5B8EFF798038103D269B633813FC60C".parse::<TraceId>().unwrap().to_string(),
            "05b8eff798038103d269b633813fc60c"
        );
        assert_eq!(TraceId::from_bytes(&[1, 2]).unwrap().get(), 0x0102);
    }

    #[test]
    fn zeros_wrong_digits_and_wrong_lengths_are_refused() {
        assert_eq!("0000".parse::<SpanId>(), Err(IdError::Zero));
        assert_eq!("zz".parse::<TraceId>(), Err(IdError::NotHex));
        assert_eq!("".parse::<TraceId>(), Err(IdError::Length));
        assert_eq!("00112233445566778".parse::<SpanId>(), Err(IdError::Length));
        assert_eq!(SpanId::from_bytes(&[0; 8]), None);
        assert_eq!(SpanId::from_bytes(&[1; 9]), None);
    }
}
