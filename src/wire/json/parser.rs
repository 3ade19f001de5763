//! A JSON parser below serde's visitors, for text that is right.
//!
//! It words no errors and counts no lines, and so reads several times as fast as serde_json. What it does not take is read again by
//! serde_json under the same visitors, which then refuses it in its own words, with the place, or takes it after all: the two may differ
//! in speed only. So it must never take what serde_json refuses, nor read anything as something else.

use std::borrow::Cow;
use std::fmt;
use std::sync::mpsc::Receiver;

/// The text is not for this parser: it is wrong, a visitor refuses it, or it nests deeper than traces do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) struct Unfit;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not for the quick parser")
    }
}

impl std::error::Error for Unfit {}

impl serde::de::Error for Unfit {
    // What a visitor says is said again under serde_json.
    fn custom<T: fmt::Display>(_: T) -> Unfit {
        Unfit
    }
}

/// serde_json stops at 128.
const DEEPEST: u8 = 100;

/// A text and how far it is read.
#[derive(Debug)]
pub(in crate::wire) struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
    keys: Vec<Cow<'a, str>>,
    elsewhere: Option<Elsewhere>,
}

/// The rest of a list, which is read by somebody else at the same time.
#[derive(Debug)]
struct Elsewhere {
    /// Where its first item begins.
    from: usize,
    /// Tells where the list ends, unless the rest is not to be read so.
    end: Receiver<usize>,
    /// Whether the list was met.
    met: bool,
}

/// The name under which a list that may be read in parts asks for itself.
pub(in crate::wire) const IN_PARTS: &str = "a list in parts";

impl<'a> Parser<'a> {
    pub(in crate::wire) fn new(text: &'a str) -> Parser<'a> {
        Parser { text, at: 0, depth: 0, keys: Vec::new(), elsewhere: None }
    }
    /// All of the text.
    pub(in crate::wire) fn text(&self) -> &'a str {
        self.text
    }
    /// Leaves the rest of a list to somebody else, if it comes to that place in a list that asks for it by [`IN_PARTS`].
    pub(in crate::wire) fn leave(&mut self, from: usize, end: Receiver<usize>) {
        self.elsewhere = Some(Elsewhere { from, end, met: false });
    }
    /// Leaves nothing any more, and says whether it came to that place.
    pub(in crate::wire) fn leave_nothing(&mut self) -> bool {
        self.elsewhere.take().is_some_and(|rest| rest.met)
    }
    /// The items of a list from one on, and where the list ends.
    pub(in crate::wire) fn rest<T>(
        text: &'a str,
        from: usize,
        read: impl FnOnce(&mut Items<'_, 'a>) -> Result<T, Unfit>,
    ) -> Result<(T, usize), Unfit> {
        // As deep as such lists are at most.
        let mut parser = Parser { at: from, depth: 8, ..Parser::new(text) };
        let mut items = Items { parser: &mut parser, close: b']', begun: false, closed: false, in_parts: false };
        let value = read(&mut items)?;
        items.are_read()?;
        Ok((value, parser.at))
    }
    /// How far it has read.
    pub(in crate::wire) fn at(&self) -> usize {
        self.at
    }
    /// Goes back to where it was.
    pub(in crate::wire) fn back_to(&mut self, at: usize) {
        self.at = at;
    }
    /// The next byte that is not white space; none at the end.
    #[inline]
    pub(in crate::wire) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }
    /// Reads on if the next byte that is not white space is this one.
    #[inline]
    pub(in crate::wire) fn take(&mut self, wanted: u8) -> Result<(), Unfit> {
        if self.peek() != Some(wanted) {
            return Err(Unfit);
        }
        self.at += 1;
        Ok(())
    }
    /// Reads one object.
    pub(in crate::wire) fn object<T: serde::Deserialize<'a>>(&mut self) -> Result<T, Unfit> {
        if self.peek() != Some(b'{') {
            return Err(Unfit);
        }
        self.keys.clear();
        self.depth = 0;
        T::deserialize(self)
    }
    /// The keys of the object read last, those of objects inside it left out.
    pub(in crate::wire) fn keys(&self) -> &[Cow<'a, str>] {
        &self.keys
    }
    /// The first key of the object that comes next.
    pub(in crate::wire) fn first_key(&self) -> Option<Cow<'a, str>> {
        let mut ahead = Parser { at: self.at, ..Parser::new(self.text) };
        ahead.take(b'{').and_then(|()| ahead.take(b'"')).and_then(|()| ahead.string()).ok()
    }

    /// The text from behind a quote to the next one.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Unfit> {
        let (start, bytes) = (self.at, self.text.as_bytes());
        self.at += plain(bytes.get(start..).ok_or(Unfit)?);
        match bytes.get(self.at) {
            Some(b'"') => {
                let text = self.text.get(start..self.at).ok_or(Unfit)?;
                self.at += 1;
                Ok(Cow::Borrowed(text))
            }
            Some(b'\\') => self.escaped(start).map(Cow::Owned),
            _ => Err(Unfit),
        }
    }
    #[cold]
    fn escaped(&mut self, start: usize) -> Result<String, Unfit> {
        let bytes = self.text.as_bytes();
        let mut text = self.text.get(start..self.at).ok_or(Unfit)?.to_owned();
        loop {
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    let escape = *bytes.get(self.at + 1).ok_or(Unfit)?;
                    self.at += 2;
                    text.push(match escape {
                        b'"' | b'\\' | b'/' => escape as char,
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        b'u' => self.unicode()?,
                        _ => return Err(Unfit),
                    });
                }
                _ => return Err(Unfit),
            }
            let from = self.at;
            self.at += plain(bytes.get(from..).ok_or(Unfit)?);
            text.push_str(self.text.get(from..self.at).ok_or(Unfit)?);
        }
    }
    /// A character by its UTF-16 code, or two of them.
    fn unicode(&mut self) -> Result<char, Unfit> {
        let first = self.utf_16()?;
        if !(0xd800..0xe000).contains(&first) {
            return char::from_u32(first).ok_or(Unfit);
        }
        self.word("\\u")?;
        let second = self.utf_16()?;
        if first >= 0xdc00 || !(0xdc00..0xe000).contains(&second) {
            return Err(Unfit);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(Unfit)
    }
    fn utf_16(&mut self) -> Result<u32, Unfit> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(Unfit)?;
        self.at += 4;
        digits.iter().try_fold(0, |code, digit| Ok(code << 4 | (*digit as char).to_digit(16).ok_or(Unfit)?))
    }
    pub(super) fn word(&mut self, word: &str) -> Result<(), Unfit> {
        if !self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(Unfit);
        }
        self.at += word.len();
        Ok(())
    }
    fn digits(&self, mut at: usize) -> Result<usize, Unfit> {
        let from = at;
        while self.text.as_bytes().get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at == from { Err(Unfit) } else { Ok(at) }
    }
    /// As serde_json reads numbers: what is whole and fits in 64 bits is whole.
    pub(super) fn number(&mut self) -> Result<Number, Unfit> {
        let (bytes, start) = (self.text.as_bytes(), self.at);
        let negative = bytes.get(start) == Some(&b'-');
        let first = start + usize::from(negative);
        let (mut end, mut value) = (first, 0u64);
        while let Some(digit @ b'0'..=b'9') = bytes.get(end) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            end += 1;
        }
        let count = end - first;
        if count == 0 || count > 1 && bytes.get(first) == Some(&b'0') {
            return Err(Unfit);
        }
        let mut is_whole = true;
        if bytes.get(end) == Some(&b'.') {
            (end, is_whole) = (self.digits(end + 1)?, false);
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            (end, is_whole) = (self.digits(end + 1 + sign)?, false);
        }
        self.at = end;
        // Less than 10^18 fits in either type.
        if is_whole && count <= 18 {
            return Ok(match (negative, value) {
                (true, 0) => Number::Float(-0.0),
                (true, value) => Number::Negative(-(value as i64)),
                (false, value) => Number::Whole(value),
            });
        }
        let text = self.text.get(start..end).ok_or(Unfit)?;
        let whole = || if negative { text.parse().map(Number::Negative) } else { text.parse().map(Number::Whole) };
        if let Some(number) = is_whole.then(whole).and_then(Result::ok) {
            return Ok(number);
        }
        let float: f64 = text.parse().map_err(|_| Unfit)?;
        if float.is_finite() { Ok(Number::Float(float)) } else { Err(Unfit) }
    }
    /// Reads over one value.
    pub(super) fn skip(&mut self) -> Result<(), Unfit> {
        match self.peek().ok_or(Unfit)? {
            b'"' => {
                self.at += 1;
                self.string().map(drop)
            }
            b'{' => {
                let mut items = self.enter(b'}')?;
                while items.next()? {
                    items.parser.take(b'"')?;
                    items.parser.string()?;
                    items.parser.take(b':')?;
                    items.parser.skip()?;
                }
                Ok(())
            }
            b'[' => {
                let mut items = self.enter(b']')?;
                while items.next()? {
                    items.parser.skip()?;
                }
                Ok(())
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(drop),
        }
    }
    /// A key behind its first quote. Those of the outermost object are kept.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, Unfit> {
        let key = self.string()?;
        if self.depth == 1 {
            self.keys.push(key.clone());
        }
        Ok(key)
    }
    /// Reads over a key, behind its first quote, if it is this one.
    #[inline]
    pub(super) fn key_is(&mut self, name: &'static str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        // Without a name nothing is expected, not even the key of no characters.
        let is = !name.is_empty() && rest.get(name.len()) == Some(&b'"') && rest.starts_with(name.as_bytes());
        if is {
            self.at += name.len() + 1;
            if self.depth == 1 {
                self.keys.push(Cow::Borrowed(name));
            }
        }
        is
    }
    /// Into an object or a list, up to this byte.
    pub(super) fn enter(&mut self, close: u8) -> Result<Items<'_, 'a>, Unfit> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST {
            Err(Unfit)
        } else {
            Ok(Items { parser: self, close, begun: false, closed: false, in_parts: false })
        }
    }
}

pub(super) enum Number {
    Whole(u64),
    Negative(i64),
    Float(f64),
}

/// How many of these bytes come before the first that does not stand for itself in a string: a quote, a backslash, a control character.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    const LOW: u64 = u64::MAX / 255;
    const HIGH: u64 = LOW << 7;
    let is_zero = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let mut at = 0;
    // Eight at a time. A borrow may mark bytes above one that is rightly marked, never below it.
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(LOW * 0x20) & !word & HIGH;
        let marked = is_zero(word ^ (LOW * u64::from(b'"'))) | is_zero(word ^ (LOW * u64::from(b'\\'))) | control;
        if marked != 0 {
            return at + marked.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// What is inside an object or a list.
pub(in crate::wire) struct Items<'p, 'a> {
    pub(super) parser: &'p mut Parser<'a>,
    close: u8,
    begun: bool,
    closed: bool,
    pub(super) in_parts: bool,
}

impl Items<'_, '_> {
    /// Whether there is another item; stands before it then, and behind the end otherwise.
    #[inline]
    pub(super) fn next(&mut self) -> Result<bool, Unfit> {
        match self.parser.peek() {
            Some(byte) if byte == self.close => {
                self.parser.at += 1;
                self.parser.depth -= 1;
                self.closed = true;
                return Ok(false);
            }
            Some(b',') if self.begun => self.parser.at += 1,
            Some(_) if !self.begun => {}
            _ => return Err(Unfit),
        }
        self.begun = true;
        if self.in_parts { self.goes_on_here() } else { Ok(true) }
    }
    /// Whether the next item is not left to somebody else; stands behind the end if it is.
    fn goes_on_here(&mut self) -> Result<bool, Unfit> {
        let at = self.parser.at;
        let Some(rest) = self.parser.elsewhere.as_mut().filter(|rest| rest.from == at) else { return Ok(true) };
        rest.met = true;
        self.parser.at = rest.end.recv().map_err(|_| Unfit)?;
        self.parser.depth -= 1;
        self.closed = true;
        Ok(false)
    }
    /// Whether all items were read, and the end.
    pub(super) fn are_read(&self) -> Result<(), Unfit> {
        if self.closed { Ok(()) } else { Err(Unfit) }
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
