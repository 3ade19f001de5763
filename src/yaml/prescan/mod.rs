//! A scan of the lines before the YAML parser sees them.
//!
//! The language's small words collide with YAML's: `count: >2` begins a block of text, `!= x` is a tag, `{ status = error
//! }` is a mapping, `${x}` opens one. Each is reported here with the line as it must be written, and replaced by letters
//! of the same length, so that the parser reads the rest of the file and every place keeps its bytes.

mod flow;

use crate::diag::{Code, Problem};
use crate::source::Span;

/// What the scan leaves.
pub(super) struct Scan {
    /// The text with everything reported taken out; as long as the source.
    pub(super) text: String,
    /// What was taken out, in order.
    pub(super) traps: Vec<Span>,
    /// What was reported.
    pub(super) problems: Vec<Problem>,
}

/// Looks at every line.
pub(in crate::yaml) fn scan(text: &str) -> Scan {
    let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32);
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        newlines: newlines.collect(),
        out: text.as_bytes().to_vec(),
        traps: Vec::new(),
        problems: Vec::new(),
        tabs: Vec::new(),
    };
    scanner.run();
    scanner.report_tabs();
    scanner.traps.sort();
    // Only whole characters were replaced, so this never fails.
    let out = String::from_utf8(scanner.out).unwrap_or_else(|_| text.to_owned());
    Scan { text: out, traps: scanner.traps, problems: scanner.problems }
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Looked up, not searched for: a file may be one line of any length.
    newlines: Vec<u32>,
    out: Vec<u8>,
    traps: Vec<Span>,
    problems: Vec<Problem>,
    tabs: Vec<Span>,
}

/// What the line above says about this one.
enum Above {
    /// Nothing.
    Nothing,
    /// A block of text: lines deeper than this are its text.
    Block(isize),
    /// A plain value: lines deeper than this continue it.
    Plain(isize),
}

impl Scanner<'_> {
    fn run(&mut self) {
        let mut at = 0;
        let mut above = Above::Nothing;
        // Beyond that many, the file is not a spec, and a bound keeps the scan linear.
        while at < self.bytes.len() && self.problems.len() < 500 {
            let end = self.line_end(at);
            let (content, indent, tab) = self.indentation(at, end);
            if content == end {
                at = end + 1;
                continue;
            }
            match above {
                Above::Block(outer) if indent > outer || (indent == 0 && outer < 0) => {
                    at = end + 1;
                    continue;
                }
                Above::Plain(outer) if indent > outer && tab.is_none() => {
                    at = end + 1;
                    continue;
                }
                _ => {}
            }
            if let Some(tab) = tab {
                self.tabs.push(tab);
                self.out[tab.range()].fill(b' ');
            }
            if self.bytes[content] == b'#' || (indent == 0 && self.directive(at, end)) {
                at = end + 1;
                continue;
            }
            (at, above) = self.line(content, end, indent);
        }
    }

    fn directive(&self, at: usize, end: usize) -> bool {
        let line = &self.text[at..end];
        line.starts_with('%') || line.starts_with("---") || line.starts_with("...")
    }

    fn line_end(&self, at: usize) -> usize {
        let next = self.newlines.partition_point(|&newline| (newline as usize) < at);
        self.newlines.get(next).map_or(self.bytes.len(), |&newline| newline as usize)
    }

    /// First byte that is not white space, the number of blanks before it, and the tabs among them.
    fn indentation(&self, at: usize, end: usize) -> (usize, isize, Option<Span>) {
        let mut tab: Option<Span> = None;
        let mut i = at;
        while i < end && matches!(self.bytes[i], b' ' | b'\t' | b'\r') {
            if self.bytes[i] == b'\t' {
                let first = tab.map_or(i, |tab| tab.start as usize);
                tab = Some(Span::new(first, i + 1));
            }
            i += 1;
        }
        (i, (i - at) as isize, tab)
    }

    /// One line outside of blocks and brackets. Returns where to go on.
    fn line(&mut self, content: usize, end: usize, indent: isize) -> (usize, Above) {
        let mut at = content;
        let mut outer = indent - 1;
        // `- - key: value`
        while self.bytes[at] == b'-' && matches!(self.bytes.get(at + 1), None | Some(b' ' | b'\n' | b'\r')) {
            outer = indent + (at - content) as isize;
            at += 1;
            while at < end && self.bytes[at] == b' ' {
                at += 1;
            }
            if at >= end || self.bytes[at] == b'\r' {
                return (end + 1, Above::Nothing);
            }
        }
        let column = indent + (at - content) as isize;
        match self.key_end(at, end) {
            Some(colon) => {
                self.key(at, colon);
                let value = self.skip_blanks(colon + 1, end);
                self.value(value, end, column, true)
            }
            None => self.value(at, end, outer, false),
        }
    }

    fn skip_blanks(&self, mut at: usize, end: usize) -> usize {
        while at < end && matches!(self.bytes[at], b' ' | b'\t' | b'\r') {
            at += 1;
        }
        at
    }

    /// The colon that ends the key beginning at `at`, if there is a key.
    fn key_end(&self, at: usize, end: usize) -> Option<usize> {
        let mut i = at;
        match self.bytes[at] {
            quote @ (b'"' | b'\'') => {
                i = self.skip_blanks(self.quote_end(at, end, quote)?, end);
                return (self.bytes.get(i) == Some(&b':')).then_some(i);
            }
            b'{' | b'[' | b'#' | b'|' => return None,
            _ => {}
        }
        while i < end {
            match self.bytes[i] {
                b':' if matches!(self.bytes.get(i + 1), None | Some(b' ' | b'\t' | b'\n' | b'\r')) => return Some(i),
                b'#' if i > at && self.bytes[i - 1] == b' ' => return None,
                _ => i += 1,
            }
        }
        None
    }

    fn key(&mut self, at: usize, colon: usize) {
        let text = self.text[at..colon].trim_end();
        let starts = |prefix: &str| text.starts_with(prefix);
        if starts("* ") || text == "*" || starts("!") || starts(">") || starts("@") || starts("`") || starts("%") {
            let whole = Span::new(at, at + text.len());
            let first = text.chars().next().unwrap_or(' ');
            let says = format!("a key that begins with `{first}` needs quotes: {}", means(first));
            self.trap(whole, says, format!("write {}:", quoted(text)));
        }
    }

    /// The value of a key or an item in block style.
    fn value(&mut self, at: usize, end: usize, outer: isize, keyed: bool) -> (usize, Above) {
        if at >= end || self.bytes[at] == b'#' {
            return (end + 1, Above::Nothing);
        }
        let mut at = at;
        if self.bytes[at] == b'&' && self.bytes.get(at + 1).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            while at < end && !matches!(self.bytes[at], b' ' | b'\r') {
                at += 1;
            }
            at = self.skip_blanks(at, end);
            if at >= end || self.bytes[at] == b'#' {
                return (end + 1, Above::Nothing);
            }
            if !keyed && let Some(colon) = self.key_end(at, end) {
                let value = self.skip_blanks(colon + 1, end);
                return self.value(value, end, outer + 1, true);
            }
        }
        let stop = self.comment_start(at, end);
        let text = self.text[at..stop].trim_end();
        let whole = Span::new(at, at + text.len());
        match self.bytes[at] {
            b'|' | b'>' if self.block_header(text, end, outer) => return (end + 1, Above::Block(outer)),
            b'"' | b'\'' => return self.quoted_value(at, end, outer),
            b'{' if looks_like_traceql(text) => {
                let says = "in YAML an opening brace begins a mapping: TraceQL needs quotes around it";
                self.trap(whole, says, format!("write {}", quoted(text)));
            }
            b'{' | b'[' => return self.flow_value(at, end, outer),
            first if self.cannot_begin(first, at) => {
                let first = char::from(first);
                let says = format!("a value that begins with `{first}` needs quotes: {}", means(first));
                self.trap(whole, says, format!("write {}", quoted(text)));
            }
            _ => return self.plain_value(at, end, stop, outer, keyed),
        }
        (end + 1, Above::Nothing)
    }

    /// Whether a plain value cannot begin like this (a real tag is left to the parser).
    fn cannot_begin(&self, first: u8, at: usize) -> bool {
        let next = self.bytes.get(at + 1).copied().unwrap_or(b' ');
        match first {
            b'>' | b'|' | b'@' | b'`' | b'%' => true,
            b'!' => !(next.is_ascii_alphabetic() || next == b'!' || next == b'<'),
            b'*' => !(next.is_ascii_alphanumeric() || next == b'_' || next == b'.'),
            b'&' => !(next.is_ascii_alphanumeric() || next == b'_'),
            _ => false,
        }
    }

    fn block_header(&self, text: &str, end: usize, outer: isize) -> bool {
        let signs = &text[1..];
        if signs.len() > 2 || !signs.bytes().all(|b| matches!(b, b'+' | b'-' | b'1'..=b'9')) {
            return false;
        }
        if !signs.bytes().any(|b| b.is_ascii_digit()) {
            return true;
        }
        // `>2` is a block's header only if a block follows.
        let mut at = end + 1;
        while at < self.bytes.len() {
            let end = self.line_end(at);
            let (content, indent, _) = self.indentation(at, end);
            if content < end {
                return indent > outer;
            }
            at = end + 1;
        }
        false
    }

    fn quoted_value(&mut self, at: usize, end: usize, outer: isize) -> (usize, Above) {
        let quote = self.bytes[at];
        let Some(close) =
            self.quote_end(at, self.bytes.len(), quote).filter(|&close| close <= end || self.deeper(at, close, outer))
        else {
            let span = Span::new(at, at + self.text[at..end].trim_end().len());
            let says = format!("the quote {} is not closed on this line", char::from(quote));
            self.trap(
                span,
                says,
                "close it at the end of the value; inside single quotes `'` is written `''`".to_owned(),
            );
            return (end + 1, Above::Nothing);
        };
        let end = self.line_end(close);
        let rest = self.skip_blanks(close, end);
        if rest < end && !(self.bytes[rest] == b'#' && rest > close) {
            let text = self.text[at..end].trim_end();
            if self.lone_comma(rest, end) {
                return (end + 1, Above::Nothing);
            }
            if !self.text[at..close].contains('\n') {
                let says = "text continues after the closing quote: YAML reads only what is inside the quotes";
                self.trap(Span::new(at, at + text.len()), says, format!("write {}", quoted(text)));
            }
        }
        (end + 1, Above::Nothing)
    }

    /// Whether all lines after `from` up to `to` lie deeper than `outer`.
    fn deeper(&self, from: usize, to: usize, outer: isize) -> bool {
        let mut at = self.line_end(from) + 1;
        while at < to {
            let end = self.line_end(at);
            let (content, indent, _) = self.indentation(at, end);
            if content < end && indent <= outer {
                return false;
            }
            at = end + 1;
        }
        true
    }

    /// One past the closing quote.
    fn quote_end(&self, at: usize, limit: usize, quote: u8) -> Option<usize> {
        let mut i = at + 1;
        while i < limit {
            match self.bytes[i] {
                b'\\' if quote == b'"' => i += 1,
                b if b == quote && quote == b'\'' && self.bytes.get(i + 1) == Some(&b'\'') => i += 1,
                b if b == quote => return Some(i + 1),
                _ => {}
            }
            i += 1;
        }
        None
    }

    fn comment_start(&self, at: usize, end: usize) -> usize {
        let mut i = at + 1;
        while i < end {
            match self.bytes[i] {
                b'#' if matches!(self.bytes[i - 1], b' ' | b'\t') => return i,
                _ => i += 1,
            }
        }
        end
    }

    fn plain_value(&mut self, at: usize, end: usize, stop: usize, outer: isize, keyed: bool) -> (usize, Above) {
        let text = self.text[at..stop].trim_end();
        if keyed && text.starts_with("- ") {
            let says = "a list cannot begin on the line of its key";
            self.trap(Span::new(at, at + text.len()), says, "begin the list on a line of its own".to_owned());
            return (end + 1, Above::Nothing);
        }
        if keyed && (text.contains(": ") || text.ends_with(':')) {
            let says = "in YAML, a colon and a space in a plain value begin another mapping";
            self.trap(Span::new(at, at + text.len()), says, format!("write {}", quoted(text)));
            return (end + 1, Above::Nothing);
        }
        if stop < end {
            let comment = self.text[stop..end].trim_end();
            if comment[1..].starts_with(|c: char| c.is_alphanumeric()) {
                let whole = self.text[at..end].trim_end();
                self.problems.push(
                    Problem::warning(
                        Code::HashCuts,
                        Span::new(stop, stop + comment.len()),
                        "a space and `#` begin a comment: the value ends before them",
                    )
                    .help(format!(
                        "if it belongs to the value, write {}; if it is a comment, put a space after `#`",
                        quoted(whole)
                    )),
                );
            }
            return (end + 1, Above::Nothing);
        }
        (end + 1, Above::Plain(outer))
    }

    fn trap(&mut self, span: Span, says: impl Into<String>, help: String) {
        self.problems.push(Problem::error(Code::YamlTrap, span, says).help(help));
        self.take_out(span);
    }

    fn take_out(&mut self, span: Span) {
        for byte in &mut self.out[span.range()] {
            if *byte != b'\n' {
                *byte = b'x';
            }
        }
        self.traps.push(span);
    }

    fn report_tabs(&mut self) {
        let Some(&first) = self.tabs.first() else { return };
        let mut says = "a tab in the indentation: YAML allows only spaces".to_owned();
        if self.tabs.len() > 1 {
            says = format!("{says} ({} lines have one)", self.tabs.len());
        }
        self.problems.push(Problem::error(Code::Tab, first, says).help("indent by spaces: two for each level"));
    }
}

/// What YAML takes a first character for.
fn means(first: char) -> &'static str {
    match first {
        '>' | '|' => "in YAML it begins a block of text",
        '!' => "in YAML it begins a tag",
        '*' => "in YAML it begins an alias",
        '&' => "in YAML it begins an anchor",
        '%' => "in YAML it begins a directive",
        _ => "YAML reserves it",
    }
}

/// A text in the quotes that hold it best.
fn quoted(text: &str) -> String {
    let text = crate::redact::cut(text, 120);
    if text.contains('\'') && !text.contains('"') && !text.contains('\\') {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// Whether text that begins with a brace reads as TraceQL and not as a mapping.
fn looks_like_traceql(text: &str) -> bool {
    // Without any of these it can be none, whatever of it is in quotes.
    if !text.bytes().any(|byte| matches!(byte, b'=' | b'<' | b'>' | b'&' | b'|' | b'!'))
        && !text.starts_with("{}")
        && !text.starts_with("{ }")
    {
        return false;
    }
    let mut outside = String::new();
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            Some('"') if c == '\\' => {
                chars.next();
            }
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '`') => {
                quote = Some(c);
                outside.push('_');
            }
            None => outside.push(c),
        }
    }
    let operator = ["=", " > ", " < ", "&&", "||", "!~"].iter().any(|op| outside.contains(op));
    operator && !outside.contains(": ") && !outside.contains("${")
        || outside.starts_with("{ }")
        || (outside.starts_with("{}") && outside.len() > 2)
}
