//! What is expected of a program alone.

use super::{Asked, Body, NO_ERROR, bare, cut, finding, record};
use crate::assert::{Finding, RuleId};
use crate::matcher::Fact;
use crate::run::record::ExpectationRecord;
use crate::trigger::command::Ran;

/// The exit code.
pub(super) fn ending(asked: &Asked<'_>, ran: &Ran) -> Vec<ExpectationRecord> {
    let (place, ending) = (&asked.place, ran.ending());
    let wrong = |at, path: &str, message, expected| Finding {
        hint: last_words(asked, ran),
        ..finding(RuleId::ResponseExitCode, at, path, message, expected, ending.clone())
    };
    vec![match &asked.expect.exit_code {
        Some(matcher) => {
            let path = "response.exit_code";
            // Ended by a signal it has none, of which nothing but `absent` holds.
            let fact = ran.status.code().map_or(Fact::Missing, |code| Fact::Int(code.into()));
            let found = (!matcher.value.test(&fact)).then(|| {
                let message = format!("{place} ended with {ending}, expected {}", bare(&matcher.value));
                wrong(matcher.span, path, message, format!("exit_code: {}", matcher.value))
            });
            record(path, matcher.span, found)
        }
        None => {
            let found = (!ran.status.success()).then(|| {
                let message = format!("{place} ended with {ending}, expected exit code 0");
                wrong(asked.at, NO_ERROR, message, "exit code 0".to_owned())
            });
            record(NO_ERROR, asked.at, found)
        }
    }]
}

/// What it wrote.
pub(super) fn outputs(asked: &Asked<'_>, ran: &Ran) -> Vec<ExpectationRecord> {
    let stdout = asked.expect.stdout.as_ref();
    let stderr = asked.expect.stderr.as_ref();
    let mut all = Vec::new();
    all.extend(stdout.map(|one| asked.text(RuleId::ResponseStdout, "response.stdout", one, &ran.stdout, "output")));
    all.extend(
        stderr.map(|one| asked.text(RuleId::ResponseStderr, "response.stderr", one, &ran.stderr, "error output")),
    );
    all
}

/// The end of what it complained about, or else of what it wrote: there it says why.
fn last_words(asked: &Asked<'_>, ran: &Ran) -> Option<String> {
    const LINES: usize = 5;
    let said = if ran.stderr.trim_ascii().is_empty() { &ran.stdout } else { &ran.stderr };
    let shown = Body::new(said, "").shown(&asked.expect.redactor).into_owned();
    let lines: Vec<&str> = shown.trim_end().lines().collect();
    let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
    (!last.trim().is_empty()).then(|| format!("it said: {}", cut(&last)))
}
