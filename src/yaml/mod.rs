//! YAML text → a tree of nodes that know where they were written.
//!
//! Serde would lose what this language needs: the place of every key, the source text of every scalar, and the rest of
//! the file after the first mistake. So the parser's events become a small tree ([`Node`]) that the readers of specs and
//! configurations walk. `prescan` looks at the lines first: what means something else to YAML than it says is reported
//! in the language's own terms and taken out, so that one such line hides no other mistake.

mod build;
#[cfg(test)]
mod build_tests;
mod prescan;
mod repair;

pub use build::{Parsed, parse};

use crate::source::Span;
use std::sync::Arc;

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where.
    pub span: Span,
    /// What.
    pub value: Value,
    /// How many nodes this is, aliases unfolded.
    pub(crate) size: u64,
    /// How deep, aliases unfolded.
    pub(crate) depth: u32,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A word, a number, text.
    Scalar(Scalar),
    /// A list.
    List(Vec<Arc<Node>>),
    /// A mapping, in the order written, each key once.
    Map(Vec<(Key, Arc<Node>)>),
    /// Something that was already reported: readers skip it.
    Broken,
}

/// A mapping's key.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// As written, quotes undone.
    pub text: Arc<str>,
    /// Where.
    pub at: TextSpan,
    /// Taken out by the scan of the lines.
    pub broken: bool,
}

/// A scalar: its text, quotes undone, and how it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// The text.
    pub text: Arc<str>,
    /// Plain, quoted or a block.
    pub style: Style,
    /// Where its characters stand.
    pub at: TextSpan,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: may be a number, a boolean or null.
    Plain,
    /// In quotes.
    Quoted,
    /// `|` or `>`.
    Block,
}

/// Where a text stands, and whether its bytes are the source's (no escapes, no folding), so that a part of the text has a
/// place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextSpan {
    /// All of it, quotes included.
    pub whole: Span,
    /// The byte of the source at which the text begins, if it stands there literally.
    pub start: Option<u32>,
}

impl TextSpan {
    /// Of text that has only one place.
    pub fn whole(span: Span) -> TextSpan {
        TextSpan { whole: span, start: None }
    }
    /// The place of the text's bytes `from..to`.
    pub fn part(&self, from: usize, to: usize) -> Span {
        match self.start {
            Some(start) => Span::new(start as usize + from, start as usize + to),
            None => self.whole,
        }
    }
    /// The same for text that begins `offset` bytes later.
    pub fn skip(&self, offset: usize) -> TextSpan {
        TextSpan { whole: self.whole, start: self.start.map(|start| start + offset as u32) }
    }
}

/// What a scalar is to YAML 1.2's core schema, without its surprises: booleans are `true` and `false`, numbers are
/// decimal, and a number that would not be written like that (`01234`, `0x1F`) is text.
#[derive(Debug, Clone, PartialEq)]
pub enum Core {
    /// Nothing, `~` or `null`.
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// Everything else, and everything in quotes.
    Text,
}

impl Scalar {
    /// What it is.
    pub fn core(&self) -> Core {
        if self.style == Style::Plain { core(&self.text) } else { Core::Text }
    }
    /// A plain word that was a boolean in YAML 1.1 and is text in 1.2.
    pub fn old_boolean(&self) -> Option<bool> {
        if self.style != Style::Plain {
            return None;
        }
        match &*self.text {
            "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" | "True" | "TRUE" => Some(true),
            "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }
}

/// What plain text is; see [`Core`].
pub fn core(text: &str) -> Core {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Core::Null,
        "true" => Core::Bool(true),
        "false" => Core::Bool(false),
        text => number(text).unwrap_or(Core::Text),
    }
}

fn number(text: &str) -> Option<Core> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, rest) = digits.split_at(digits.bytes().take_while(u8::is_ascii_digit).count());
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    if rest.is_empty() {
        return text.parse().ok().map(Core::Int);
    }
    let exponent = match rest.strip_prefix('.') {
        Some(fraction) => {
            let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if length == 0 {
                return None;
            }
            &fraction[length..]
        }
        None => rest,
    };
    if let Some(power) = exponent.strip_prefix(['e', 'E']) {
        let power = power.strip_prefix(['-', '+']).unwrap_or(power);
        if power.is_empty() || !power.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    } else if !exponent.is_empty() {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite()).map(Core::Float)
}

impl Node {
    /// A scalar by itself.
    pub fn scalar_of(scalar: Scalar) -> Node {
        Node { span: scalar.at.whole, value: Value::Scalar(scalar), size: 1, depth: 1 }
    }
    /// What it is, for messages.
    pub fn noun(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Broken => "something broken",
            Value::Scalar(scalar) => match (scalar.style, scalar.core()) {
                (Style::Block, _) => "a block of text",
                (_, Core::Null) => "nothing",
                (_, Core::Bool(_)) => "a boolean",
                (_, Core::Int(_) | Core::Float(_)) => "a number",
                (_, Core::Text) => "text",
            },
        }
    }
    /// The scalar that it is.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }
    /// Whether it is null: nothing, `~` or `null`.
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(|scalar| scalar.core() == Core::Null)
    }
    /// The value of a mapping's key.
    pub fn get(&self, name: &str) -> Option<&Arc<Node>> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| &*key.text == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimal_numbers_are_numbers() {
        assert_eq!(core("12"), Core::Int(12));
        assert_eq!(core("-3"), Core::Int(-3));
        assert_eq!(core("0"), Core::Int(0));
        assert_eq!(core("18446744073709551615"), Core::Int(18_446_744_073_709_551_615));
        assert_eq!(core("1.10"), Core::Float(1.1));
        assert_eq!(core("1e3"), Core::Float(1000.0));
        for text in ["01234", "1.", ".5", "0x1F", "1e", "1_000", ".inf", "1e999", "-", "12a", "1.2.3"] {
            assert_eq!(core(text), Core::Text, "{text}");
        }
    }

    #[test]
    fn only_true_and_false_are_booleans() {
        assert_eq!(core("true"), Core::Bool(true));
        for text in ["True", "yes", "on", "y"] {
            assert_eq!(core(text), Core::Text, "{text}");
        }
    }
}
