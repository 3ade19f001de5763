//! Random expectations of what the analyses find: where the time goes, and how a trace's calls lie to each other. They have seeds of
//! their own, so that the verdicts on all others stay comparable.

use super::dice::Dice;
use super::spans::{Any, Draft, Kind, System, TRACE};
use super::specs::{Body, Part, Spec};

/// A loop of queries under one of the spans, since a trace seldom has one by chance: one after another or not, with other values or not.
pub(crate) fn add_loop(dice: &mut Dice, system: &mut System) {
    let own: Vec<&Draft> = system.drafts.iter().filter(|span| span.trace == TRACE).collect();
    if own.is_empty() || dice.one_in(4) {
        return;
    }
    let above = own[dice.index(own.len())].clone();
    let next = system.drafts.iter().map(|span| span.id).max().unwrap_or(0) + 1;
    // Of one body in three each turn asks, then writes.
    let (turns, body) = (dice.within(2, 5), if dice.one_in(3) { 2 } else { 1 });
    let step = (above.times.1.saturating_sub(above.times.0) / (turns * body + 1)).max(1);
    let overlap = if dice.one_in(4) { step } else { 0 };
    for turn in 0..turns {
        let value = if dice.one_in(6) { 0 } else { turn };
        for part in 0..body {
            let at = turn * body + part;
            let from = above.times.0 + at * step;
            let query = match part {
                0 => format!("SELECT a FROM t WHERE b = {value}"),
                _ => format!("UPDATE t SET a = a + 1 WHERE b = {value}"),
            };
            system.drafts.push(Draft {
                id: next + at,
                parent: above.id,
                instance: above.instance,
                name: "query",
                kind: Kind::Client,
                times: (from, from + step + overlap),
                attributes: vec![("db.query.text", Any::Written(query)), ("db.system.name", Any::Text("postgresql"))],
                ..Draft::default()
            });
        }
    }
}

pub(crate) fn analyses(dice: &mut Dice, system: &System) -> Body {
    let mut spec = Spec { dice, system };
    let names = [spec.named("p"), spec.named("q")];
    let mut parts = Vec::new();
    let mut add = |key: &'static str, value: String| parts.push(Part { key, value });
    add("critical_path", spec.critical_path());
    add("gaps", spec.gaps());
    add("network", spec.network());
    if spec.dice.one_in(3) {
        let skew = spec.dice.within(1, 700);
        add("clocks", format!("{{ max_skew: {} }}", spec.time(skew)));
    }
    add("repeats", spec.repeats());
    add("serial", spec.serial());
    add("fan_out", spec.small());
    add("chain", spec.small());
    add("concurrency", spec.small());
    add("conventions", spec.conventions());
    Body { names, parts }
}

impl Spec<'_> {
    /// A bound on a time, as often as not one that is kept.
    fn some_time(&mut self) -> String {
        let from = self.dice.pick(&[1, 20, 100, 300, 600]);
        match self.dice.below(4) {
            0 => format!("'> {}'", self.time(from)),
            1 => format!("{}..{}", self.time(from), self.time(from + 300)),
            _ => format!("'<= {}'", self.time(from)),
        }
    }
    fn some_share(&mut self) -> String {
        self.pick(&["'< 60%'", "'> 20%'", "10%..50%", "'<= 90%'", "'!= 0%'", "'< 5%'"])
    }
    fn critical_path(&mut self) -> String {
        let one = |spec: &mut Self| {
            let bound = match spec.dice.coin() {
                true => format!("share: {}", spec.some_share()),
                false => format!("time: {}", spec.some_time()),
            };
            let optional = if spec.dice.one_in(4) { ", optional: true" } else { "" };
            format!("{{ select: {}, {bound}{optional} }}", spec.narrow())
        };
        format!("[{}, {}]", one(self), one(self))
    }
    fn gaps(&mut self) -> String {
        let bound = match self.dice.below(3) {
            0 => format!("max: {}", self.some_time()),
            1 => format!("total: {}", self.some_time()),
            _ => format!("ratio: {}", self.some_share()),
        };
        match self.dice.below(3) {
            0 => format!("{{ {bound} }}"),
            1 => format!("{{ select: {}, {bound}, optional: true }}", self.narrow()),
            _ => format!("{{ select: {}, {bound} }}", self.narrow()),
        }
    }
    fn network(&mut self) -> String {
        let key = self.pick(&["overhead", "request", "response"]);
        let call = if self.dice.one_in(3) { "* -> *".to_owned() } else { self.call_here() };
        let optional = if self.dice.one_in(4) { ", optional: true" } else { "" };
        format!("{{ call: '{call}', {key}: {}{optional} }}", self.some_time())
    }
    /// A bound on a count of which there are few.
    fn small(&mut self) -> String {
        self.pick(&["1", "'<= 1'", "'< 3'", "'>= 1'", "2..", "1..2", "'!= 1'", "0", "'> 2'", "'<= 5'"])
    }
    fn except(&mut self) -> String {
        if self.dice.one_in(3) { format!(", except: [{}]", self.narrow()) } else { String::new() }
    }
    fn repeats(&mut self) -> String {
        let bound = self.pick(&["'< 2'", "'<= 2'", "1", "'< 5'"]);
        match self.dice.below(4) {
            0 => bound,
            1 => format!("{{ per_trace: {bound}{} }}", self.except()),
            2 => format!("{{ per_parent: {bound}{} }}", self.except()),
            _ => format!("{{ per_parent: {bound}, per_trace: {}{} }}", self.pick(&["'<= 2'", "'<= 3'"]), self.except()),
        }
    }
    fn serial(&mut self) -> String {
        let least = self.dice.pick(&[1, 20, 100, 300]);
        format!("{{ saving: '< {}'{} }}", self.time(least), self.except())
    }
    fn conventions(&mut self) -> String {
        match self.dice.below(4) {
            0 => format!("{{ score: {} }}", self.pick(&["75..", "100", "'< 90'", "50..99"])),
            1 => "{ rules: all, ignore: [RES-001, SPA-005] }".to_owned(),
            2 => self.pick(&[
                "[SPA-002, SPA-004]",
                "[error_type, server_error_status]",
                "[RES-005, secrets]",
                "[SPA-005]",
            ]),
            _ => format!(
                "{{ score: {}, rules: [{}] }}",
                self.pick(&["60..", "80..", "100"]),
                self.pick(&["SPA-002", "RES-005", "SPA-001"])
            ),
        }
    }
}
