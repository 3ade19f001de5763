//! JSONPath (RFC 9535): checked before anything is sent.

use super::plan::JsonPath;
use super::read::Reader;
use crate::diag::{Code, Problem};
use crate::yaml::TextSpan;
use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::parser::{errors::JsonPathError, parse_json_path};

impl Reader {
    /// A JSONPath, or what is wrong with it.
    pub(super) fn json_path(&mut self, text: &str, at: TextSpan) -> Option<JsonPath> {
        match check(text, at) {
            Ok(path) => Some(path),
            Err(problem) => {
                self.push(*problem);
                None
            }
        }
    }
}

fn check(text: &str, at: TextSpan) -> Result<JsonPath, Box<Problem>> {
    let bad = |says: String, help: &str| Box::new(Problem::error(Code::BadJsonPath, at.whole, says).help(help));
    if !text.starts_with('$') {
        let name = crate::redact::cut(text.trim_start_matches('.'), 60);
        return Err(bad(format!("`{name}` is not a JSONPath: a path begins with `$`"), &format!("write `$.{name}`")));
    }
    if text.starts_with("${") {
        return Err(bad(
            "a JSONPath cannot be a variable".into(),
            "write the path out; the value that it is compared with may be a variable",
        ));
    }
    if text.len() > 2000 || text.matches(['[', '(']).count() > 60 {
        return Err(bad("this JSONPath is too long".into(), "a path of a few steps is enough to point at a value"));
    }
    if blank_between(text) {
        return Err(bad("a name with a blank in it stands in brackets and quotes".into(), HELP));
    }
    let query = parse_json_path(text).map_err(|error| match in_brackets(text) {
        Some(written) => bad(
            "a name with other characters than letters, digits and `_` stands in brackets and quotes".into(),
            &format!("write `{written}`, in double quotes where YAML has it as a key: `\"{written}\": …`"),
        ),
        None => bad(format!("this is not a JSONPath: {}", reason(&error)), HELP),
    })?;
    if let Some(why) = empty(&query) {
        let problem = Problem::error(Code::NeverMatches, at.whole, format!("this JSONPath finds nothing: {why}"));
        return Err(Box::new(problem.help("`[0:2]` are the first two, `[-1]` is the last, `[*]` are all")));
    }
    let singular = query
        .segments
        .iter()
        .all(|segment| matches!(segment, Segment::Selector(Selector::Name(_) | Selector::Index(_))));
    Ok(JsonPath { text: text.to_owned(), singular, span: at.whole })
}

const HELP: &str = "names are written `$.a.b` or `$['a b']`, positions `$.a[0]`, conditions `$.a[?@.b == 1]`";

/// The path with such names in brackets as the short form does not allow (`$.headers.content-type`), if it is one then.
fn in_brackets(text: &str) -> Option<String> {
    let is_short = |name: &str| name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '*'));
    let mut parts = text.split('.');
    let mut written = parts.next().filter(|root| *root == "$")?.to_owned();
    for part in parts {
        let (name, rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        written += &if is_short(name) { format!(".{part}") } else { format!("['{name}']{rest}") };
    }
    (written != text && parse_json_path(&written).is_ok()).then_some(written)
}

/// Whether a blank stands outside of brackets: the parser would take it for a part of the name.
fn blank_between(text: &str) -> bool {
    let (mut depth, mut quote) = (0usize, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') if depth > 0 => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') => depth = depth.saturating_sub(1),
            (None, c) if c.is_whitespace() && depth == 0 => return true,
            _ => {}
        }
    }
    false
}

fn reason(error: &JsonPathError) -> String {
    match error {
        JsonPathError::PestError(error) => {
            let text = error.to_string();
            let column = text.lines().next().and_then(|line| line.rsplit(':').next()).map(str::trim).unwrap_or("");
            if column.is_empty() {
                "it cannot be read".to_owned()
            } else {
                format!("it cannot be read from character {column} on")
            }
        }
        JsonPathError::InvalidNumber(_) => "a number in it is too large or not whole".to_owned(),
        JsonPathError::MaxNestingDepthExceeded(_) => "it is nested too deep".to_owned(),
        JsonPathError::InvalidJsonPath(why) => why.chars().filter(|c| !c.is_control()).take(120).collect(),
        _ => "it cannot be read".to_owned(),
    }
}

fn empty(query: &JpQuery) -> Option<&'static str> {
    fn selector(selector: &Selector) -> Option<&'static str> {
        match selector {
            Selector::Slice(_, _, Some(0)) => Some("a slice with step 0 is empty"),
            Selector::Slice(from, Some(to), step) => {
                let from = from.unwrap_or(0);
                let forward = step.is_none_or(|step| step > 0);
                (forward && from >= *to && (from >= 0) == (*to >= 0)).then_some("the slice ends before it begins")
            }
            _ => None,
        }
    }
    fn segment(one: &Segment) -> Option<&'static str> {
        match one {
            Segment::Descendant(inner) => segment(inner),
            Segment::Selector(one) => selector(one),
            Segment::Selectors(all) => {
                let found: Vec<_> = all.iter().map(selector).collect();
                found.iter().all(Option::is_some).then(|| found.first().copied().flatten()).flatten()
            }
        }
    }
    query.segments.iter().find_map(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_positions_are_singular() {
        for (path, singular) in [
            ("$", true),
            ("$.a.b[0]['c d']", true),
            ("$[-1]", true),
            ("$.a[*]", false),
            ("$..a", false),
            ("$.a[?@.b == 1]", false),
            ("$.a[0,1]", false),
            ("$.a[0:2]", false),
        ] {
            assert_eq!(check(path, TextSpan::default()).unwrap().singular, singular, "{path}");
        }
    }

    #[test]
    fn a_path_that_cannot_be_read_or_finds_nothing_is_refused() {
        for path in ["status", ".a", "$.", "$[", "$.a[0", "$.a b", "${x}", "$.a[?@.b = 1]", "$.a[2:1]", "$.a[0:2:0]"] {
            assert!(check(path, TextSpan::default()).is_err(), "{path}");
        }
    }
}
