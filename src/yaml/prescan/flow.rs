//! Values in braces and brackets.

use super::{Above, Scanner, means, quoted};
use crate::diag::{Code, Problem};
use crate::source::Span;

impl Scanner<'_> {
    pub(super) fn flow_value(&mut self, at: usize, first_end: usize, outer: isize) -> (usize, Above) {
        let mut open: Vec<usize> = Vec::new();
        let mut i = at;
        while i < self.bytes.len() {
            match self.bytes[i] {
                b'\n' => {
                    let end = self.line_end(i + 1);
                    let (content, indent, tab) = self.indentation(i + 1, end);
                    if content < end && indent <= outer && !matches!(self.bytes[content], b'}' | b']' | b'#') {
                        return self.unclosed(&open, first_end);
                    }
                    if let Some(tab) = tab {
                        self.out[tab.range()].fill(b' ');
                    }
                    i = content.max(i + 1);
                    continue;
                }
                b'{' | b'[' => open.push(i),
                b'}' | b']' => {
                    open.pop();
                    if open.is_empty() {
                        return self.after_flow(at, i + 1);
                    }
                }
                b' ' | b'\t' | b'\r' | b',' | b':' => {}
                b'#' if matches!(self.bytes[i - 1], b' ' | b'\t' | b'\n') => {
                    i = self.line_end(i);
                    continue;
                }
                quote @ (b'"' | b'\'') => {
                    match self.quote_end(i, self.bytes.len(), quote).filter(|&close| self.deeper(i, close, outer)) {
                        Some(close) => {
                            i = self.after_flow_quote(i, close);
                            continue;
                        }
                        None => {
                            let end = self.line_end(i);
                            let span = Span::new(i, i + self.text[i..end].trim_end().len());
                            let says = format!("the quote {} is not closed on this line", char::from(quote));
                            self.problems.push(
                                Problem::error(Code::YamlTrap, span, says).help("close it at the end of the value"),
                            );
                            self.take_out(Span::new(at, span.end as usize));
                            return (end + 1, Above::Nothing);
                        }
                    }
                }
                b'&' if self.bytes.get(i + 1).is_some_and(u8::is_ascii_alphanumeric) => {
                    while self
                        .bytes
                        .get(i)
                        .is_some_and(|b| !matches!(b, b' ' | b'\n' | b',' | b'{' | b'[' | b'}' | b']'))
                    {
                        i += 1;
                    }
                    continue;
                }
                _ => {
                    i = self.flow_plain(i);
                    continue;
                }
            }
            i += 1;
        }
        self.unclosed(&open, first_end)
    }

    /// Text after a closing quote inside of brackets (`{ a: "b" && "c" }`) belongs to a value that needs other quotes.
    fn after_flow_quote(&mut self, at: usize, close: usize) -> usize {
        let end = self.line_end(close);
        let next = self.skip_blanks(close, end);
        if next >= end || matches!(self.bytes[next], b',' | b'}' | b']' | b':' | b'#') || next == close {
            return close;
        }
        let stop = self.flow_plain_end(next).0;
        let text = self.text[at..stop].trim_end();
        let says = "text continues after the closing quote: YAML reads only what is inside the quotes";
        self.trap(Span::new(at, at + text.len()), says, format!("write {}", quoted(text)));
        stop
    }

    fn unclosed(&mut self, open: &[usize], first_end: usize) -> (usize, Above) {
        let innermost = open.last().copied().unwrap_or(first_end.saturating_sub(1));
        let bracket = char::from(self.bytes[innermost]);
        let outermost = open.first().copied().unwrap_or(innermost);
        let says = format!("the `{bracket}` is not closed");
        let help = format!("add a `{}` where it ends", if bracket == '{' { '}' } else { ']' });
        self.problems.push(Problem::error(Code::YamlSyntax, Span::new(innermost, innermost + 1), says).help(help));
        let end = self.line_end(outermost);
        self.take_out(Span::new(outermost, end));
        // Lines that belonged to it were deeper: they now continue a plain value, which YAML accepts unless they hold keys.
        let mut at = end + 1;
        let column = (outermost - self.text[..outermost].rfind('\n').map_or(0, |n| n + 1)) as isize;
        while at < self.bytes.len() {
            let end = self.line_end(at);
            let (content, indent, _) = self.indentation(at, end);
            if content < end && indent < column.min(indent + 1) && at > innermost {
                break;
            }
            if at > innermost {
                break;
            }
            self.out[at..end].fill(b' ');
            at = end + 1;
        }
        (at, Above::Nothing)
    }

    /// After the last closing bracket: nothing, a comment, or the rest of something that is no mapping.
    fn after_flow(&mut self, at: usize, close: usize) -> (usize, Above) {
        let end = self.line_end(close);
        let rest = self.skip_blanks(close, end);
        let is_key = self.bytes.get(rest) == Some(&b':');
        if rest < end && !is_key && !(self.bytes[rest] == b'#' && rest > close) {
            let text = self.text[at..end].trim_end();
            if self.lone_comma(rest, end) {
                return (end + 1, Above::Nothing);
            }
            self.traps.retain(|trap| (trap.start as usize) < at);
            self.problems.retain(|p| (p.span.start as usize) < at || p.span.start as usize >= end);
            let says = "text continues after the closing bracket: YAML reads only what is inside the brackets";
            self.trap(Span::new(at, at + text.len()), says, format!("write {}", quoted(text)));
        }
        (end + 1, Above::Nothing)
    }

    /// Reports a comma that ends the line after a value, as between items in brackets, and takes it out.
    pub(super) fn lone_comma(&mut self, at: usize, end: usize) -> bool {
        let next = self.skip_blanks(at + 1, end);
        if self.bytes[at] != b',' || next < end && self.bytes[next] != b'#' {
            return false;
        }
        let says = "a comma after the value: lines are not separated by commas";
        let problem = Problem::error(Code::YamlTrap, Span::new(at, at + 1), says);
        self.problems.push(problem.help("remove the comma"));
        self.out[at] = b' ';
        true
    }

    /// A plain value in brackets. Returns its end.
    fn flow_plain(&mut self, at: usize) -> usize {
        let (stop, brackets) = self.flow_plain_end(at);
        let text = self.text[at..stop].trim_end();
        let span = Span::new(at, at + text.len());
        let first = self.bytes[at];
        if brackets {
            let what = if text.contains("${") { "a variable" } else { "a bracket" };
            let says = format!(
                "{what} inside of `{{ … }}` or `[ … ]` needs quotes: the bracket would open another list or mapping"
            );
            let help = long_order(text).unwrap_or_else(|| format!("write {}", quoted(text)));
            self.trap(span, says, help);
        } else if self.cannot_begin(first, at) {
            let first = char::from(first);
            let says = format!("a value that begins with `{first}` needs quotes: {}", means(first));
            self.trap(span, says, format!("write {}", quoted(text)));
        }
        stop.max(at + 1)
    }

    /// Where a plain value in brackets ends, and whether brackets open inside of it.
    fn flow_plain_end(&self, at: usize) -> (usize, bool) {
        let (mut i, mut depth, mut brackets) = (at, 0usize, false);
        while i < self.bytes.len() {
            match self.bytes[i] {
                b'\n' => break,
                b'{' | b'[' if i > at => {
                    depth += 1;
                    brackets = true;
                }
                b'}' | b']' if depth > 0 => depth -= 1,
                b'}' | b']' => break,
                b',' if depth == 0 => break,
                b':' if depth == 0
                    && matches!(
                        self.bytes.get(i + 1),
                        None | Some(b' ' | b'\n' | b'\r' | b',' | b'}' | b']' | b'[' | b'{')
                    ) =>
                {
                    break;
                }
                b'#' if i > at && matches!(self.bytes[i - 1], b' ' | b'\t') => break,
                _ => {}
            }
            i += 1;
        }
        while i < self.bytes.len() && !self.text.is_char_boundary(i) {
            i += 1;
        }
        (i, brackets)
    }
}

/// The long form of an order with selectors between its arrows: `charge -> { name: x }`.
fn long_order(text: &str) -> Option<String> {
    let (first, then) = text.split_once("->").map(|(first, then)| (first.trim(), then.trim()))?;
    let selector = |side: &str| side.starts_with('{');
    (!first.is_empty() && (selector(first) || selector(then)))
        .then(|| format!("write {{ first: {first}, then: {then} }}"))
}
