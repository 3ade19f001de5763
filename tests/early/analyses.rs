//! Expectations of what analyses find: where the time goes, and how a trace's calls lie to each other.

use super::{Draft, Kind, pick, selector};
use std::fmt::Write as _;

/// The body of `trace`. Databases are asked something, so that calls repeat.
pub(super) fn expectations(rng: &mut fastrand::Rng, drafts: &mut [Draft]) -> String {
    for draft in drafts.iter_mut().filter(|draft| draft.kind == Kind::Client) {
        if draft.texts.is_empty() && rng.bool() {
            draft.texts.push(("db.system.name", "postgresql"));
        }
        if draft.texts.iter().any(|(key, _)| *key == "db.system.name") {
            let query =
                pick(rng, &["SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b = 2", "UPDATE t SET a = 3"]);
            draft.texts.push(("db.query.text", query));
        }
    }
    let mut text = String::new();
    let mut add = |key: &str, value: String| {
        let _ = writeln!(text, "      {key}: {value}");
    };
    let time = |rng: &mut fastrand::Rng| pick(rng, &["'< 100ns'", "'> 100ns'", "50ns..300ns", "'<= 400ns'"]).to_owned();
    let share = |rng: &mut fastrand::Rng| pick(rng, &["'< 60%'", "'> 20%'", "10%..50%", "'<= 90%'"]).to_owned();
    let small = |rng: &mut fastrand::Rng| {
        pick(rng, &["1", "'<= 1'", "'< 3'", "'>= 1'", "2..", "1..2", "'!= 1'", "0"]).to_owned()
    };
    let optional = |rng: &mut fastrand::Rng| if rng.bool() { ", optional: true" } else { "" };
    add("critical_path", format!("[{{ select: {}, share: {}{} }}]", selector(rng), share(rng), optional(rng)));
    add("gaps", format!("{{ select: {}, max: {}{} }}", selector(rng), time(rng), optional(rng)));
    let call = pick(rng, &["a -> b", "* -> *", "b -> c"]);
    let of = pick(rng, &["overhead", "request", "response"]);
    add("network", format!("{{ call: '{call}', {of}: {}{} }}", time(rng), optional(rng)));
    let except = |rng: &mut fastrand::Rng| match rng.u8(..3) {
        0 => format!(", except: [{}]", selector(rng)),
        _ => String::new(),
    };
    let key = pick(rng, &["per_parent", "per_trace"]);
    add("repeats", format!("{{ {key}: {}{} }}", pick(rng, &["'< 2'", "'<= 2'", "1"]), except(rng)));
    add("serial", format!("{{ saving: {}{} }}", pick(rng, &["'< 1ns'", "'< 50ns'", "'< 200ns'"]), except(rng)));
    add("fan_out", small(rng));
    add("chain", small(rng));
    add("concurrency", small(rng));
    let rules = [
        "[SPA-002]",
        "[SPA-004, RES-005]",
        "{ score: 75.. }",
        "{ score: '< 90' }",
        "{ rules: all, ignore: [RES-001] }",
        "[error_type, SPA-001]",
    ];
    add("conventions", pick(rng, &rules).to_owned());
    text
}
