//! `${…}` in text: cut into parts before anything is known of the values.

use super::{Part, Template};
use crate::diag::{Code, Problem};
use crate::yaml::TextSpan;
use std::fmt;

/// Cuts a text into its parts.
pub fn parse(text: &str, at: TextSpan) -> Result<Template, Problem> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = 0;
    while let Some(found) = text[rest..].find("${") {
        let dollar = rest + found;
        if text[rest..dollar].ends_with('$') {
            plain.push_str(&text[rest..dollar]);
            plain.push('{');
            rest = dollar + 2;
            continue;
        }
        plain.push_str(&text[rest..dollar]);
        let Some(length) = text[dollar..].find('}') else {
            let span = at.part(dollar, text.len());
            return Err(
                Problem::error(Code::BadTemplate, span, "`${` is not closed by `}`").help("`$${` writes `${` as it is")
            );
        };
        let end = dollar + length + 1;
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(variable(&text[dollar + 2..end - 1], at.part(dollar, end))?);
        rest = end;
    }
    plain.push_str(&text[rest..]);
    if !plain.is_empty() || parts.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(Template { parts, span: at.whole })
}

fn variable(inside: &str, span: crate::source::Span) -> Result<Part, Problem> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default.to_owned())),
        None => (inside, None),
    };
    let name = name.trim();
    if inside.contains("${") {
        return Err(Problem::error(Code::BadTemplate, span, "a variable inside another variable")
            .help("a default is plain text: give the inner value a name under `vars` first"));
    }
    let head = name.split(['.', '(']).next().unwrap_or("");
    let fits = head.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && head.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        && !name.contains(['\n', '{'])
        && !name.ends_with('.');
    if !fits {
        let says = if name.is_empty() {
            "`${}` does not name a variable".to_owned()
        } else {
            format!("`{name}` is not the name of a variable")
        };
        return Err(Problem::error(Code::BadTemplate, span, says)
            .help("a name is made of letters, digits and `_`: `${base}`, `${env.HOME}`, `${x:-default}`; `$${` writes `${` as it is"));
    }
    Ok(Part::Var { name: name.to_owned(), default, span })
}

impl Template {
    /// Text without variables.
    pub fn text(text: impl Into<String>, span: crate::source::Span) -> Template {
        Template { parts: vec![Part::Text(text.into())], span }
    }
    /// The text, if there is no variable in it.
    pub fn as_text(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
    /// Whether it is one variable and nothing else.
    pub fn is_lone(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Var { .. }])
    }
    /// The variables in it: name, whether there is a default, place.
    pub fn vars(&self) -> impl Iterator<Item = (&str, bool, crate::source::Span)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Var { name, default, span } => Some((name.as_str(), default.is_some(), *span)),
            Part::Text(_) => None,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(&text.replace("${", "$${"))?,
                Part::Var { name, default: None, .. } => write!(f, "${{{name}}}")?,
                Part::Var { name, default: Some(default), .. } => write!(f, "${{{name}:-{default}}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<Part> {
        let at = TextSpan { whole: crate::source::Span::new(0, text.len()), start: Some(0) };
        parse(text, at).unwrap().parts
    }

    #[test]
    fn text_and_variables_alternate() {
        let span = crate::source::Span::new;
        let var = |name: &str, default: Option<&str>, at| Part::Var {
            name: name.into(),
            default: default.map(Into::into),
            span: at,
        };
        assert_eq!(parts(""), [Part::Text("".into())]);
        assert_eq!(parts("${x}"), [var("x", None, span(0, 4))]);
        assert_eq!(
            parts("a${x:-y}b"),
            [Part::Text("a".into()), var("x", Some("y"), span(1, 8)), Part::Text("b".into())]
        );
        assert_eq!(parts("${env.URL:-http://h:1/}"), [var("env.URL", Some("http://h:1/"), span(0, 23))]);
        assert_eq!(parts("${needs.the first order.id}"), [var("needs.the first order.id", None, span(0, 27))]);
        assert_eq!(parts("$${x} $5 $"), [Part::Text("${x} $5 $".into())]);
    }

    #[test]
    fn what_is_no_variable_is_an_error() {
        for text in ["${", "a ${x", "${}", "${1x}", "${a b}", "${a:-${b}}", "${x.}"] {
            assert!(parse(text, TextSpan::default()).is_err(), "{text}");
        }
    }
}
