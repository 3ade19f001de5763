//! A spec file's text and places in it. Every diagnostic and every finding points at one.

mod read;

pub use read::{Content, ReadError, read_content, read_file, read_part, sort_paths};

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The bytes `start..end` of a [`SourceFile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of these bytes.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }
    /// As a range for slicing.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts a value at its place.
    pub fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }
    /// The same place with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: f(self.value), span: self.span }
    }
}

/// One file as it was read, with the starts of its lines.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    path: PathBuf,
    text: String,
    line_starts: Vec<u32>,
    /// Characters before each block of bytes: a file may be one long line.
    chars_before: Vec<u32>,
}

/// Bytes between two entries of `chars_before`.
const BLOCK: usize = 1024;

/// A line and a column, both counted from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Whether a byte is the first of a character.
fn is_first(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

impl SourceFile {
    /// Takes a file's text. The path is only for showing and for resolving relative paths.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<SourceFile> {
        let text = text.into();
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at as u32 + 1)).collect();
        let mut chars_before = vec![0];
        for block in text.as_bytes().chunks(BLOCK) {
            let before = chars_before.last().copied().unwrap_or(0);
            chars_before.push(before + block.iter().filter(|byte| is_first(**byte)).count() as u32);
        }
        Arc::new(SourceFile { path: path.into(), text, line_starts, chars_before })
    }
    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The text of a span; empty if the span does not fit.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }
    /// Line and column of a byte.
    pub fn line_column(&self, byte: u32) -> LineColumn {
        let line = self.line_starts.partition_point(|&start| start <= byte).max(1);
        let start = self.line_starts[line - 1] as usize;
        LineColumn { line, column: self.chars(byte as usize).saturating_sub(self.chars(start)) + 1 }
    }
    /// How many characters begin before a byte.
    fn chars(&self, byte: usize) -> usize {
        let byte = byte.min(self.text.len());
        let block = byte / BLOCK;
        let rest = &self.text.as_bytes()[block * BLOCK..byte];
        self.chars_before[block] as usize + rest.iter().filter(|byte| is_first(**byte)).count()
    }
    /// The byte at which a line (counted from 1) begins; the text's length for a line that is not there.
    pub fn line_start(&self, line: usize) -> usize {
        self.line_starts.get(line.wrapping_sub(1)).map_or(self.text.len(), |&start| start as usize)
    }
    /// The text of a line (counted from 1), without its end.
    pub fn line(&self, line: usize) -> &str {
        let Some(&start) = self.line_starts.get(line.wrapping_sub(1)) else { return "" };
        let end = self.line_starts.get(line).map_or(self.text.len(), |&next| next as usize);
        self.text.get(start as usize..end).unwrap_or("").trim_end_matches(['\n', '\r'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_becomes_a_line_and_a_column_in_characters() {
        let file = SourceFile::new("a.yaml", "one\nzwölf: x\r\nlast");
        assert_eq!(file.line_column(0), LineColumn { line: 1, column: 1 });
        assert_eq!(file.line_column(12), LineColumn { line: 2, column: 8 });
        assert_eq!(file.line(2), "zwölf: x");
        assert_eq!(file.line(3), "last");
        assert_eq!(file.line(4), "");
    }
}
