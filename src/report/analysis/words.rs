//! Findings in words: one sentence with numbers, and the line of a spec that keeps it fixed.

use crate::analyse::conventions::{Breach, Rule};
use crate::analyse::findings::{Finding, Kind, LARGE_BODY};
use crate::matcher::{brief_duration as time, count_of};
use crate::report::text::clean;

/// The most characters of one name that a sentence shows.
const LONGEST: usize = 60;

/// A name in backquotes.
pub(super) fn quoted(text: &str) -> String {
    if text.is_empty() { "(without a name)".to_owned() } else { format!("`{}`", short(text)) }
}

/// A service's name.
pub(super) fn service(text: &str) -> String {
    if text.is_empty() { "(no service.name)".to_owned() } else { short(text) }
}

/// Cut where it is too long; of a query what it is about and what it asks by stay.
pub(super) fn short(text: &str) -> String {
    let text = clean(text, false);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let tail = text.rfind(" WHERE ").or_else(|| text.rfind(" where ")).map(|at| &text[at..]);
    if let (Some(tail), Some(verb)) = (tail, text.split(' ').next())
        && tail.chars().count() + verb.chars().count() + 2 <= LONGEST
    {
        return format!("{verb} …{tail}");
    }
    format!("{}…", text.chars().take(LONGEST - 1).collect::<String>())
}

/// `12 %`
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    format!("{:.0} %", 100.0 * part as f64 / whole as f64)
}

fn under(finding: &Finding) -> String {
    if finding.span.is_empty() { String::new() } else { format!(" under {}", quoted(&finding.span)) }
}

/// What is found, as a sentence without a full stop.
pub(super) fn sentence(finding: &Finding) -> String {
    let Finding { count, time_ns, cost_ns, root_ns, .. } = *finding;
    let (from, to) = (service(&finding.service), service(&finding.callee));
    let (span, detail) = (quoted(&finding.span), quoted(&finding.detail));
    let calls = || format!("{} {from} → {to}", count_of(count, "call"));
    let of_root = || if root_ns == 0 { String::new() } else { format!(" of {}", time(root_ns)) };
    let message = || if finding.detail.is_empty() { String::new() } else { format!(": {}", short(&finding.detail)) };
    match finding.kind {
        Kind::Orphans if count == 1 => format!("span {span} of {from} names a parent that is not in the trace"),
        Kind::Orphans => format!("{count} spans of {from} name parents that are not in the trace; the first is {span}"),
        Kind::Roots => format!("the trace has {count} roots instead of one; the first is {span} of {from}"),
        Kind::Unanswered => format!(
            "{} {}: the trace context was not passed on, or {to} exports nothing",
            calls(),
            if count == 1 {
                format!("has no span of {to} below it")
            } else {
                format!("have no span of {to} below them")
            }
        ),
        Kind::Swallowed if count == 1 => {
            format!("span {span} of {from} failed{}, and no span above it reports a failure", message())
        }
        Kind::Swallowed => {
            format!("{count} spans {span} of {from} failed{}, and no span above them reports a failure", message())
        }
        Kind::Error if count == 1 => format!("span {span} of {from} failed{}", message()),
        Kind::Error => format!("{count} spans {span} of {from} failed{}", message()),
        Kind::NPlusOne => format!(
            "{} {detail}{} took {} one after another; {}, or running them at once, would save {}",
            calls(),
            under(finding),
            time(time_ns),
            if is_query(&finding.detail) { "one `IN` query" } else { "one call for all" },
            match cost_ns {
                0 => format!("{}, but no time of the root", count_of(count - 1, "call")),
                _ => format!("about {}", time(cost_ns)),
            }
        ),
        Kind::Redundant => format!(
            "{} {detail}{} asked for the same thing; asking once would save {}",
            calls(),
            under(finding),
            if cost_ns == 0 { count_of(count - 1, "call") } else { format!("about {}", time(cost_ns)) }
        ),
        Kind::Serial => format!(
            "{} {detail}{} took {} one after another{}; running them at once would save about {}",
            calls(),
            under(finding),
            time(time_ns),
            match finding.turn {
                0 | 1 => " and do not seem to need each other".to_owned(),
                turn => format!(", in {} turns of a loop that do not seem to need each other", count / turn),
            },
            time(cost_ns)
        ),
        // The last one need not have failed.
        Kind::Retried if count == 1 => {
            format!("{} {detail}{} says that it is another attempt", calls(), under(finding))
        }
        Kind::Retried => format!(
            "{} {detail}{} are attempts at the same thing; those before the last failed and took {}{}",
            calls(),
            under(finding),
            time(time_ns),
            of_root()
        ),
        Kind::SlowLeaf => format!(
            "span {span} of {from} takes {}{} ({}), and no span below it accounts for that",
            time(cost_ns),
            of_root(),
            percent(cost_ns, root_ns)
        ),
        Kind::Gap => format!(
            "{}{} ({}) passes in {span} of {from} {} with no span to account for it",
            time(cost_ns),
            of_root(),
            percent(cost_ns, root_ns),
            match &*finding.detail {
                "head" => "before its first child",
                "tail" => "after its last child",
                _ => "between its children",
            }
        ),
        Kind::Chatty => format!("{} {detail} in one trace; fewer, larger calls cost less", calls()),
        Kind::Large if count == 1 => format!("the {} of {span} of {from} has {}", finding.detail, size(finding.bytes)),
        Kind::Large => {
            format!("{count} {}s of {span} of {from} have up to {} each", finding.detail, size(finding.bytes))
        }
        Kind::ClockSkew => format!(
            "the clocks of {from} and {to} differ by at least {}: {detail} of {to} does not fit into {span}, which called it",
            time(time_ns)
        ),
        Kind::Convention(rule) => breach(finding, rule).sentence(short),
    }
}

/// The breach that a finding was made of.
fn breach(finding: &Finding, rule: Rule) -> Breach {
    Breach {
        rule,
        subject: finding.span.clone(),
        object: finding.detail.clone(),
        count: finding.count,
        spans: finding.rows.clone(),
    }
}

/// `4.2 MB`
fn size(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn is_query(operation: &str) -> bool {
    ["SELECT", "select"].iter().any(|verb| operation.starts_with(verb))
}

/// What to do, where the sentence does not say it.
pub(super) fn remedy(finding: &Finding) -> Option<&'static str> {
    match finding.kind {
        Kind::Convention(rule) => Some(rule.remedy()),
        _ => None,
    }
}

/// The line below `trace:` of a spec that fails if it is so again.
pub(super) fn keep(finding: &Finding) -> String {
    let (service, callee, span) = (yaml(&finding.service), yaml(&finding.callee), yaml(&finding.span));
    match finding.kind {
        Kind::Orphans | Kind::Roots | Kind::Unanswered => "propagation: intact".to_owned(),
        Kind::Swallowed => "errors: { swallowed: none }".to_owned(),
        Kind::Error | Kind::Retried => "errors: none".to_owned(),
        Kind::NPlusOne | Kind::Redundant => format!("repeats: < {}", finding.count.min(5)),
        Kind::Serial => format!("serial: {{ saving: < {} }}", rounded(finding.cost_ns)),
        Kind::SlowLeaf => {
            format!("critical_path: {{ select: {{ service: {service}, name: {span} }}, share: < 50% }}")
        }
        Kind::Gap => format!("gaps: {{ max: < {} }}", rounded(finding.time_ns)),
        Kind::Chatty => {
            let call = if service.starts_with('\'') || callee.starts_with('\'') {
                yaml(&format!("{} -> {}", finding.service, finding.callee))
            } else {
                format!("{service} -> {callee}")
            };
            format!("calls: {{ {call}: < 15 }}")
        }
        Kind::Large => format!(
            "spans: [{{ select: {{ service: {service}, name: {span} }}, attributes: {{ http.{}.body.size: < {LARGE_BODY} }} }}]",
            finding.detail
        ),
        Kind::ClockSkew => "clock_skew: none".to_owned(),
        Kind::Convention(rule) => format!("conventions: [{}]", rule.id()),
    }
}

/// Half of a time, in whole milliseconds: what is mended stays well below.
fn rounded(ns: u64) -> String {
    format!("{}ms", (ns / 2_000_000).max(1))
}

/// A name as YAML takes it within `{ }`.
fn yaml(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain);
    let keyword = ["true", "false", "null", "exists", "absent"].iter().any(|one| text.eq_ignore_ascii_case(one));
    match word && !keyword {
        true => text.to_owned(),
        false if text.chars().any(crate::diag::is_unprintable) => {
            let escaped: String = text.chars().flat_map(|c| if c == '\'' { vec![c, c] } else { vec![c] }).collect();
            format!("'{}'", clean(&escaped, false))
        }
        false => format!("'{}'", text.replace('\'', "''")),
    }
}
