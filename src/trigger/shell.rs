//! Words as a shell reads them, for command lines that a person copies.

use std::fmt::Write as _;

/// One word for a shell. What no terminal shows as it is, line breaks among them, is written by its bytes.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let is_shown = |c: char| !crate::diag::is_unprintable(c) && c != '\t';
    if text.chars().all(is_shown) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut out = "$'".to_owned();
    for c in text.chars() {
        match c {
            '\n' => out += r"\n",
            '\r' => out += r"\r",
            '\t' => out += r"\t",
            '\'' | '\\' => out.extend(['\\', c]),
            c if is_shown(c) => out.push(c),
            c => {
                // Three octal digits: of hexadecimal ones bash takes as many as follow.
                for byte in c.to_string().bytes() {
                    let _ = write!(out, "\\{byte:03o}");
                }
            }
        }
    }
    out + "'"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_every_word_as_it_was() {
        for text in
            ["", "a b", "it's", "$HOME `id` \"x\" !", "a\nb\tc\r", "\u{1b}[31m7\u{202e}0", "\\n'\n", "-x", "ü€\u{7}f"]
        {
            let line = format!("printf %s {}", quoted(text));
            assert!(!line.contains('\n'), "{line}");
            let ran = std::process::Command::new("bash").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(ran.stdout).unwrap(), text, "{line}");
        }
    }
}
