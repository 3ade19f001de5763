//! CSV (RFC 4180) for matrices: a heading, then rows; quotes hold commas, line ends and `""`.

/// A field and the byte where it begins.
pub(super) type Field = (String, usize);

/// The rows of a table, empty lines left out, or what is wrong and where.
pub(super) fn csv(text: &str) -> Result<Vec<Vec<Field>>, (String, usize)> {
    let mut rows = Vec::new();
    let mut row: Vec<Field> = Vec::new();
    let (mut field, mut start) = (String::new(), 0);
    let mut chars = text.char_indices().peekable();
    let mut quoted = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if field.is_empty() && at == start => {
                quoted = true;
                loop {
                    match chars.next() {
                        None => return Err(("a quote is not closed".to_owned(), start)),
                        Some((_, '"')) if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                            chars.next();
                            field.push('"');
                        }
                        Some((_, '"')) => break,
                        Some((_, other)) => field.push(other),
                    }
                }
            }
            ',' | '\n' => {
                row.push((std::mem::take(&mut field), start));
                start = at + 1;
                if c == '\n' {
                    let row = std::mem::take(&mut row);
                    if row.len() > 1 || quoted || !row[0].0.is_empty() {
                        rows.push(row);
                    }
                }
                quoted = false;
            }
            '\r' if chars.peek().is_none_or(|(_, next)| *next == '\n') => {}
            _ if quoted => return Err(("text continues after a closing quote".to_owned(), at)),
            other => field.push(other),
        }
    }
    if !field.is_empty() || !row.is_empty() || quoted {
        row.push((field, start));
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        csv(text).unwrap().into_iter().map(|row| row.into_iter().map(|(field, _)| field).collect()).collect()
    }

    #[test]
    fn quotes_hold_commas_quotes_and_lines() {
        assert_eq!(
            rows("a,b\n1,\"x, \"\"y\"\"\nz\"\r\n\n,\n"),
            [vec!["a", "b"], vec!["1", "x, \"y\"\nz"], vec!["", ""]]
        );
        assert_eq!(rows("a\r\n01234"), [["a"], ["01234"]]);
        assert!(csv("a\n\"x").is_err() && csv("\"x\"y\n").is_err());
    }
}
