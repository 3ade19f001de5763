//! How findings word what comes from outside: escaped, bounded, in backquotes; and which known name is the nearest.

use super::criteria;
use crate::matcher::{Comparison, Fact, Literal, Matcher, Operand};
use crate::spec::plan::Selector;
use crate::trace::{SpanIx, Trace};

/// The most characters of one name that a message shows.
const LONGEST: usize = 120;

/// Text from outside as one line: control characters (and those that turn the direction of writing) escaped, what is
/// too long cut.
pub(super) fn safe(text: &str) -> String {
    escape(text, LONGEST)
}

pub(super) fn escape(text: &str, longest: usize) -> String {
    let mut out = String::with_capacity(text.len().min(longest));
    for (at, c) in text.chars().enumerate() {
        if at >= longest {
            out.push('…');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if crate::diag::is_unprintable(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// A name in backquotes.
pub fn quoted(text: &str) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { format!("`{}`", safe(text)) }
}

/// A service's name, or what to say where there is none.
pub(super) fn service(name: &str) -> String {
    if name.is_empty() { "(no service.name)".to_owned() } else { safe(name) }
}

/// `span `authorize` of payment-service`
pub(super) fn span(trace: &Trace, ix: SpanIx) -> String {
    let span = trace.span(ix);
    format!("span {} of {}", quoted(span.name()), service(span.service()))
}

/// The same at the beginning of a sentence.
pub(super) fn a_span(trace: &Trace, ix: SpanIx) -> String {
    let text = span(trace, ix);
    format!("S{}", &text[1..])
}

/// `a, b and 3 more`
pub(super) fn list<S: AsRef<str>>(items: &[S], most: usize) -> String {
    let shown: Vec<String> = items.iter().take(most).map(|item| service(item.as_ref())).collect();
    match items.len() {
        0 => "none".to_owned(),
        all if all > most => format!("{} and {} more", shown.join(", "), all - most),
        _ => shown.join(", "),
    }
}

/// The text of an operand that names something.
pub(super) fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Literal(Literal::Str(text)) => text.to_string(),
        other => matcher(&Matcher::Compare(Comparison::Eq, other.clone())),
    }
}

/// The text that a matcher wants a fact to equal, if that is all it wants.
pub(super) fn literal_of(matcher: &Matcher) -> Option<&str> {
    match matcher {
        Matcher::Compare(Comparison::Eq, Operand::Literal(Literal::Str(text))) => Some(text),
        Matcher::All(all) => all.iter().find_map(literal_of),
        _ => None,
    }
}

/// A matcher in the spec's own terms: equality is written bare.
pub(super) fn matcher(matcher: &Matcher) -> String {
    let words = matcher.expects();
    words.strip_prefix("= ").map_or(words.clone(), str::to_owned)
}

/// `14 spans`, `1 span`, `>= 3 spans`
pub(super) fn number_of(count: &Matcher, what: &str) -> String {
    let words = matcher(count);
    if words == "1" { format!("1 {what}") } else { format!("{words} {what}s") }
}

/// Why a matcher does not hold of a kind or a status, which are words of the spec and so stand without quotes.
pub(super) fn mismatch_of_word(matcher: &Matcher, word: &Fact<'_>) -> String {
    let shown = word.show();
    matcher.mismatch(word).replacen(&shown, shown.trim_matches('"'), 1)
}

/// A selection in the spec's own terms: its declared name, its keys, or its TraceQL.
pub(super) fn selector(select: &Selector) -> String {
    match &select.name {
        Some(name) => quoted(name),
        None => keys_of(select),
    }
}

/// `{service: payment-service, name: authorize, parent: {kind: server}}`
pub(super) fn keys_of(select: &Selector) -> String {
    match criteria::expr(&select.query).filter(|expr| criteria::is_mapping(expr)) {
        Some(expr) => criteria::words(expr),
        None => {
            let one_line: Vec<&str> = select.text.split_whitespace().collect();
            quoted(&one_line.join(" "))
        }
    }
}

pub(super) use crate::matcher::measured as time;

/// The known name nearest to a text that is not among them, with the number of characters between them; only if it is
/// near enough to be meant.
pub(super) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, usize)> {
    let length = text.chars().count();
    let limit = (length / 3).max(1);
    known
        .into_iter()
        .filter(|name| !name.is_empty() && *name != text && name.len() <= 4 * length + 16)
        .filter_map(|name| {
            let far = name.chars().count().abs_diff(length) > limit;
            let distance = if far { usize::MAX } else { strsim::osa_distance(text, name) };
            if distance <= limit {
                return Some((name, distance));
            }
            // `payment` for `payment-service` is far by characters and near in meaning.
            let part = length >= 3 && (starts_at_word(name, text) || starts_at_word(text, name) && name.len() >= 3);
            part.then(|| (name, name.chars().count().abs_diff(length)))
        })
        .min_by_key(|&(name, distance)| (distance, name))
}

/// Whether `long` is `short` and then another word.
fn starts_at_word(long: &str, short: &str) -> bool {
    long.strip_prefix(short).is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_controls_a_terminal() {
        assert_eq!(safe("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\nc\\u{202e}d");
        assert_eq!(safe(&"x".repeat(500)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["payments-service", "order-service", "inventory-service"];
        assert_eq!(nearest("payment-service", known), Some(("payments-service", 1)));
        assert_eq!(nearest("payments", known), Some(("payments-service", 8)));
        assert_eq!(nearest("zebra", known), None);
    }
}
