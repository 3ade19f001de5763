//! Rust source as far as a reader of imports needs it: without comments, without what literals hold, without tests.

/// The same text, byte for byte as long, with comments and the insides of literals blanked.
pub(crate) fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => erase(&mut out, at, line_end(bytes, at)),
            b'/' if bytes[at..].starts_with(b"/*") => erase(&mut out, at, comment_end(bytes, at)),
            b'"' => {
                let end = string_end(bytes, at + 1, b'"');
                erase(&mut out, at + 1, end - 1);
                end
            }
            b'\'' => match char_end(text, at) {
                Some(end) => {
                    erase(&mut out, at + 1, end - 1);
                    end
                }
                None => at + 1,
            },
            byte if is_word(byte) => match raw_string(bytes, at) {
                Some((start, end, close)) => {
                    erase(&mut out, start, end);
                    close
                }
                None => word_end(bytes, at),
            },
            _ => at + 1,
        };
        at = end.max(at + 1);
    }
    // Only whole characters inside comments and literals were replaced, by spaces.
    String::from_utf8(out).expect("blanking keeps UTF-8")
}

/// Replaces a range by spaces, keeps its line breaks, and returns its end.
fn erase(out: &mut [u8], from: usize, to: usize) -> usize {
    for byte in out.get_mut(from..to).into_iter().flatten() {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
    to
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

pub(crate) fn word_end(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|byte| is_word(**byte)).count()
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|byte| **byte != b'\n').count()
}

fn comment_end(bytes: &[u8], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if bytes[at..].starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// Behind the closing quote.
fn string_end(bytes: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind a character's closing quote; `None` for a lifetime or a label.
fn char_end(text: &str, quote: usize) -> Option<usize> {
    let mut chars = text[quote + 1..].char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        return Some(string_end(text.as_bytes(), quote + 1, b'\''));
    }
    let (next, close) = chars.next()?;
    (close == '\'').then_some(quote + 1 + next + 1)
}

/// What a raw string holds, from and to, and what is behind it.
fn raw_string(bytes: &[u8], word: usize) -> Option<(usize, usize, usize)> {
    let prefix = word_end(bytes, word);
    if !matches!(&bytes[word..prefix], b"r" | b"br" | b"cr") {
        return None;
    }
    let hashes = bytes[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let start = prefix + hashes + 1;
    if bytes.get(start - 1) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.extend(std::iter::repeat_n(b'#', hashes));
    let length = bytes[start..].windows(close.len()).position(|window| window == close)?;
    Some((start, start + length, start + length + close.len()))
}

/// A blanked text without its test items: `#[cfg(test)]` and all that stands below it, and nothing else.
pub(crate) fn without_tests(blanked: &str) -> String {
    let mut out = blanked.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = blanked[from..].find("#[").map(|at| from + at) {
        let attribute = closing(blanked.as_bytes(), found + 1);
        from = attribute;
        if is_test_only(&blanked[found + 2..attribute - 1]) {
            let end = item_end(blanked.as_bytes(), attribute);
            erase(&mut out, found, end);
            from = end;
        }
    }
    String::from_utf8(out).expect("blanking keeps UTF-8")
}

/// `cfg(test)`, or `cfg(all(test, …))`.
pub(crate) fn is_test_only(attribute: &str) -> bool {
    let tight: String = attribute.chars().filter(|c| !c.is_whitespace()).collect();
    let Some(condition) = tight.strip_prefix("cfg(").and_then(|rest| rest.strip_suffix(')')) else { return false };
    let all = condition.strip_prefix("all(").and_then(|rest| rest.strip_suffix(')'));
    condition == "test" || all.is_some_and(|all| all.split(',').any(|part| part == "test"))
}

/// Behind the bracket that closes the one at `open`.
pub(crate) fn closing(bytes: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

/// The end of the item whose first attribute ends at `from`: its `;`, or the brace that closes its body.
fn item_end(bytes: &[u8], from: usize) -> usize {
    const ITEMS: [&[u8]; 11] =
        [b"fn", b"mod", b"impl", b"struct", b"enum", b"union", b"trait", b"use", b"static", b"type", b"const"];
    // The first of these words says what it is; fields, arguments and arms of a match have none.
    let mut kind: &[u8] = b"";
    let mut previous: &[u8] = b"";
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b';' => return at + 1,
            b',' if kind.is_empty() => return at + 1,
            b'{' => {
                at = closing(bytes, at);
                // `const X: T = T { … };` has braces and ends with a semicolon.
                if !matches!(kind, b"use" | b"static" | b"type" | b"const") {
                    return at;
                }
            }
            b'(' | b'[' => at = closing(bytes, at),
            // What closes here encloses the item: it was the last field, argument or arm.
            b')' | b']' | b'}' => return at,
            byte if is_word(byte) => {
                let end = word_end(bytes, at);
                let word = &bytes[at..end];
                if kind.is_empty() && ITEMS.contains(&word) || previous == b"const" && word == b"fn" {
                    kind = word;
                }
                (previous, at) = (word, end);
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        without_tests(&blank(text)).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn literals_and_comments_hide_nothing_that_follows() {
        for (text, left) in [
            ("a // crate::x\nb", "a b"),
            ("a /* x /* y */ crate::z */ b", "a b"),
            ("let s = \"// \\\" {\"; b", "let s = \" \"; b"),
            ("let s = r#\"a \" { // \"#; b", "let s = r#\" \"#; b"),
            ("let s = br\"}\"; let r#type = 1;", "let s = br\" \"; let r#type = 1;"),
            ("let c = '\"'; let d = '\\''; let e = '{'; b", "let c = ' '; let d = ' '; let e = ' '; b"),
            (
                "fn f<'a>(x: &'a str) -> &'static str { 'l: loop {} }",
                "fn f<'a>(x: &'a str) -> &'static str { 'l: loop {} }",
            ),
            ("let c = 'é'; let b = b'}'; b", "let c = ' '; let b = b' '; b"),
        ] {
            assert_eq!(code(text), left, "{text}");
            assert_eq!(blank(text).len(), text.len());
        }
    }

    #[test]
    fn test_items_are_taken_out_and_what_follows_them_is_kept() {
        for (text, left) in [
            ("#[cfg(test)] mod tests { fn f() { \"}\"; '}'; } } use crate::x;", "use crate::x;"),
            ("#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod tests;\nfn f() {}", "fn f() {}"),
            ("#[cfg(test)] use a::{b, c}; fn f() {}", "fn f() {}"),
            ("#[cfg(test)] pub(crate) fn g<const N: usize>(a: [u8; N]) -> T where T: X { 1 } fn f() {}", "fn f() {}"),
            ("#[cfg(test)] const A: [T; 2] = [T { a: 1 }, T { a: 2 }]; fn f() {}", "fn f() {}"),
            ("#[cfg(test)] const B: T = T { a: 1 }; fn f() {}", "fn f() {}"),
            ("#[cfg(test)] const fn g() { } fn f() {}", "fn f() {}"),
            ("#[cfg(all(test, unix))] impl A { fn g() {} } fn f() {}", "fn f() {}"),
            ("struct A { #[cfg(test)] a: u8 } fn f() {}", "struct A { } fn f() {}"),
            ("struct A { #[cfg(test)] a: u8, b: u8 }", "struct A { b: u8 }"),
            ("#[cfg(not(test))] fn f() {}", "#[cfg(not(test))] fn f() {}"),
            ("#[cfg(any(test, unix))] fn f() {}", "#[cfg(any(test, unix))] fn f() {}"),
            ("#[test] fn f() {}", "#[test] fn f() {}"),
        ] {
            assert_eq!(code(text), left, "{text}");
        }
    }
}
