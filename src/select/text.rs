//! Text in quotes: Go's escapes, and `${variables}`, both read and written.

use crate::matcher::{Part, Template};
use crate::source::Span;
use std::fmt::Write as _;

/// Undoes Go's escapes of a text in double quotes. An error says at which byte it is.
pub(super) fn unescape(raw: &str) -> Result<String, (usize, String)> {
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    let mut chars = raw.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let Some((_, escape)) = chars.next() else { return Err((at, "a backslash at the end".to_owned())) };
        let mut digits = |count: usize, radix: u32, first: Option<char>| -> Option<u32> {
            let mut value = first.map_or(Some(0), |c| c.to_digit(radix))?;
            for _ in 0..count {
                value = value.checked_mul(radix)?.checked_add(chars.next()?.1.to_digit(radix)?)?;
            }
            Some(value)
        };
        let wrong =
            || (at, format!("`\\{escape}` is no escape of a text; write `\\\\` for a backslash, or use backquotes"));
        match escape {
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            '\\' | '"' => out.push(escape as u8),
            'x' => out.push(digits(2, 16, None).ok_or_else(wrong)? as u8),
            '0'..='7' => {
                let value = digits(2, 8, Some(escape)).filter(|&value| value < 256).ok_or_else(wrong)?;
                out.push(value as u8);
            }
            'u' | 'U' => {
                let value = digits(if escape == 'u' { 4 } else { 8 }, 16, None).and_then(char::from_u32);
                out.extend_from_slice(value.ok_or_else(wrong)?.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return Err(wrong()),
        }
    }
    String::from_utf8(out).map_err(|_| (0, "its escapes make bytes that are not UTF-8".to_owned()))
}

/// A text in double quotes that [`unescape`] reads back.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Cuts a text at its `${name}` and `${name:-default}`; `$${` is read as `${`.
pub(super) fn template(text: &str, span: Span) -> Result<Template, String> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            plain.push_str(&rest[..at - 1]);
            plain.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        plain.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            return Err("a variable `${` is not closed with `}`; a text `${` is written `$${`".to_owned());
        };
        let inner = &rest[at + 2..at + end];
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (inner, None),
        };
        let valid = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        if name.is_empty() || !name.chars().all(valid) {
            return Err(format!("`${{{inner}}}` names no variable; a text `${{` is written `$${{`"));
        }
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Var { name: name.to_owned(), default, span });
        rest = &rest[at + end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() || parts.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(Template { parts, span })
}

/// A template's text as it was written.
pub(super) fn written(template: &Template) -> String {
    template
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.replace("${", "$${"),
            Part::Var { name, default: None, .. } => format!("${{{name}}}"),
            Part::Var { name, default: Some(default), .. } => format!("${{{name}:-{default}}}"),
        })
        .collect()
}

/// The text of a template without variables.
pub(super) fn plain(template: &Template) -> Option<&str> {
    match template.parts.as_slice() {
        [] => Some(""),
        [Part::Text(text)] => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn go_escapes_are_undone_and_others_named() {
        assert_eq!(unescape(r#"a\"b\\\n\x41\101\u00e4\U0001F600"#).unwrap(), "a\"b\\\nAA\u{e4}\u{1F600}");
        assert_eq!(unescape(r"ab\d+").unwrap_err().0, 2);
        assert!(unescape(r"\xff").is_err());
    }

    #[test]
    fn what_is_quoted_is_read_back() {
        for text in ["", "a\"b\\c", "\n\t\r\u{1}\u{7f}\u{85}", "zwölf"] {
            let quoted = quote(text);
            assert_eq!(unescape(&quoted[1..quoted.len() - 1]).unwrap(), text);
        }
    }

    #[test]
    fn variables_are_cut_out_and_dollars_escaped() {
        let read = template("a-${env.X:-1}$${b}", Span::default()).unwrap();
        assert_eq!(written(&read), "a-${env.X:-1}$${b}");
        assert_eq!(read.parts.len(), 3);
        assert!(template("${", Span::default()).is_err() && template("${a b}", Span::default()).is_err());
    }
}
