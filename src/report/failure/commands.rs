//! What to do next, as commands that can be copied.

use super::super::text::{clean, columns, wrap};
use super::Look;
use crate::run::record::TestRecord;
use crate::trigger::shell::quoted;

/// The lines below a failure: how to run this test alone, and where to see its trace.
pub(super) fn of(test: &TestRecord, look: Look) -> String {
    const BETWEEN: &str = "      ";
    let rerun = look.commands.then(|| format!("rerun: {}", clean(&rerun(test), false)));
    let see = see(test, look).map(|see| format!("see: {see}"));
    let lines: Vec<String> = rerun.into_iter().chain(see).collect();
    let one = format!("  {}", lines.join(BETWEEN));
    if columns(&one) <= look.width.unwrap_or(120) {
        return if lines.is_empty() { String::new() } else { format!("{one}\n") };
    }
    // Not wrapped: a command is copied whole.
    lines.iter().map(|line| wrap(line, "  ", None)).collect()
}

/// The command that runs this test alone.
pub fn rerun(test: &TestRecord) -> String {
    let place = format!("{}:{}", test.source.path().display(), test.line);
    let mut command = format!("tracespec run {}", quoted(&place));
    // The tests of a matrix stand on one line; each has its values in its name.
    if !test.source.line(test.line).contains(&test.name) {
        command += &format!(" -k {}", quoted(&name_expression(&test.name)));
    }
    command
}

/// Where the test's trace is to be seen: in the browser, or by the command that finds it.
fn see(test: &TestRecord, look: Look) -> Option<String> {
    let step = test.steps.iter().rev().find(|step| step.trace.is_some())?;
    if let Some(link) = &step.link {
        return Some(clean(link, false));
    }
    if !look.kept {
        return None;
    }
    let steps = test.steps.iter().filter(|step| step.trace.is_some()).count();
    let is_plain = test.name.chars().all(|c| !crate::diag::is_unprintable(c)) && !test.name.starts_with('-');
    let by_name = steps == 1 && is_plain && test.name.len() <= 100;
    let id = step.trace.as_ref()?.id().to_string();
    let name = if by_name { quoted(&test.name) } else { id };
    Some(format!("tracespec show {name}"))
}

/// Whether these lines have the whole of this trace id.
pub(super) fn names(test: &TestRecord, look: Look, id: &str) -> bool {
    see(test, look).is_some_and(|see| see.contains(id))
}

/// A `-k` expression that matches a name: the name, in quotes where the expression would read it otherwise. Quotes have no escapes
/// there, so that a name with both kinds is matched by its parts.
fn name_expression(name: &str) -> String {
    let is_operator = |word: &str| matches!(word, "and" | "or" | "not");
    let plain = !name.contains(['"', '\'', '(', ')']) && !name.split_whitespace().any(is_operator);
    match (name.contains('"'), name.contains('\'')) {
        (false, false) if plain => name.to_owned(),
        (false, _) => format!("\"{name}\""),
        (true, false) => format!("'{name}'"),
        (true, true) => {
            let parts = name.split('"').filter(|part| !part.is_empty()).map(|part| format!("\"{part}\""));
            parts.collect::<Vec<_>>().join(" and ")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::filter::NameFilter;

    #[test]
    fn a_name_expression_matches_the_name_that_it_was_made_of() {
        for name in [
            "a card is charged",
            "buy and sell",
            "a (b)",
            "it's",
            "say \"no\"",
            "it's \"no\" use",
            "not",
            "Ünïcode",
            "\"",
        ] {
            let expression = name_expression(name);
            assert!(
                expression.is_empty() || NameFilter::parse(&expression).unwrap().matches(name),
                "{name}: {expression}"
            );
        }
    }
}
