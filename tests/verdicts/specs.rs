//! Random expectations of every family, in the words of the trace that they are about: thresholds lie near its times,
//! selections name what it has (or nearly), so that each verdict occurs often.

use super::dice::Dice;
use super::spans::{Draft, Kind, System, TRACE};
use super::systems::{NAMES, SERVICES};
use std::fmt::Write as _;

/// The body of `trace`, key by key, so that what a reader refuses can be left out.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    /// What declares `p` and `q`.
    pub(crate) names: [String; 2],
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) key: &'static str,
    pub(crate) value: String,
}

impl Body {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut last = "";
        let named = self.names.iter().map(|value| ("spans", value));
        for (key, value) in named.chain(self.parts.iter().map(|part| (part.key, &part.value))) {
            if matches!(key, "spans" | "order" | "traceql") {
                if key != last {
                    let _ = writeln!(text, "      {key}:");
                }
                let _ = writeln!(text, "        - {value}");
            } else {
                let _ = writeln!(text, "      {key}: {value}");
            }
            last = key;
        }
        text
    }
}

pub(crate) fn body(dice: &mut Dice, system: &System) -> Body {
    let mut spec = Spec { dice, system };
    let names = [spec.named("p"), spec.named("q")];
    let mut parts = Vec::new();
    let mut add = |key: &'static str, value: String| parts.push(Part { key, value });
    for _ in 0..3 {
        add("spans", spec.entry());
    }
    if spec.dice.coin() {
        spec.distinct().into_iter().for_each(|entry| add("spans", entry));
    }
    for _ in 0..3 {
        add("order", spec.order());
    }
    for _ in 0..2 {
        add("traceql", if spec.dice.coin() { spec.traceql() } else { format!("{{ none: {} }}", spec.traceql()) });
    }
    add("services", spec.services());
    add("calls", spec.calls());
    add("span_count", spec.near(|system| own(system).count()));
    let level = spec.dice.within(1, 5) as usize;
    add("depth", spec.near(|_| level));
    add("roots", spec.near(|_| 1));
    add("errors", spec.errors());
    add("duration", spec.duration());
    add("structure", spec.structure());
    add("propagation", "intact".to_owned());
    add("clock_skew", "none".to_owned());
    if spec.dice.coin() {
        add("snapshot", "shape".to_owned());
    }
    if spec.dice.one_in(8) {
        add("exact_names", "true".to_owned());
    }
    Body { names, parts }
}

fn own(system: &System) -> impl Iterator<Item = &Draft> {
    system.drafts.iter().filter(|span| span.trace == TRACE)
}

pub(super) struct Spec<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) system: &'a System,
}

impl Spec<'_> {
    pub(super) fn pick(&mut self, all: &[&str]) -> String {
        self.dice.pick(all).to_owned()
    }
    /// So many of the system's units.
    pub(super) fn time(&self, units: u64) -> String {
        format!("{units}{}", if self.system.unit == 1 { "ns" } else { "ms" })
    }
    fn any_span(&mut self) -> Option<Draft> {
        let at = (!self.system.drafts.is_empty()).then(|| self.dice.index(self.system.drafts.len()))?;
        Some(self.system.drafts[at].clone())
    }
    fn word_of(&mut self, span: &Draft) -> String {
        let service = self.system.service(span);
        let (name, kind) = (span.name, span.kind.word());
        match self.dice.below(6) {
            _ if service.is_empty() => format!("{{ name: {name}, kind: {kind} }}"),
            0 => format!("{{ name: {name} }}"),
            1 => format!("{{ service: {service}, kind: {kind} }}"),
            2 => format!("{{ service: {service}, name: {name}, kind: {kind} }}"),
            3 if span.kind != Kind::Unspecified => format!("{{ name: {name}, kind: {kind} }}"),
            _ => format!("{{ service: {service}, name: {name} }}"),
        }
    }
    fn known(&mut self) -> String {
        match self.any_span() {
            Some(span) => self.word_of(&span),
            None => self.simple(),
        }
    }
    fn simple(&mut self) -> String {
        let time = self.time(200);
        let all = [
            "{ service: a }",
            "{ service: b }",
            "{ service: c, kind: server }",
            "{ service: d }",
            "{ name: x }",
            "{ name: y }",
            "{ name: { one_of: [x, z] } }",
            "{ name: '~ [xy]' }",
            "{ name: '!= x', kind: client }",
            "{ kind: client }",
            "{ kind: server }",
            "{ kind: { one_of: [producer, consumer] } }",
            "{ status: error }",
            "{ status: unset, name: x }",
            "{ attributes: { k: '>= 2' } }",
            "{ attributes: { k: absent } }",
            "{ attributes: { k: 1 } }",
            "{ attributes: { k: '!= 1' } }",
            "{ attributes: { t: u } }",
            "{ attributes: { t: exists } }",
            "{ attributes: { g: true } }",
            "{ attributes: { l: { contains: v } } }",
            "{ attributes: { http.response.status_code: 200 } }",
            "{ attributes: { http.status_code: '>= 500' } }",
            "{ attributes: { http.response.status_code: '>= 400' } }",
            "{ attributes: { db.system.name: postgresql } }",
            "{ resource: { service.version: '1' } }",
            "{ scope: { name: m } }",
            "{ parent: { service: a } }",
            "{ ancestor: { name: x } }",
            "{ service: c, parent: { kind: client } }",
            "{ name: y, ancestor: { kind: server, service: b } }",
            "{ service: a, where: '{ span.k > 1 }' }",
            "{ name: y, where: '{ span:childCount = 0 }' }",
            "{ kind: server, where: '{ .t = \"u\" || status = error }' }",
        ];
        if self.dice.one_in(15) { format!("{{ duration: '> {time}' }}") } else { self.pick(&all) }
    }
    fn traceql(&mut self) -> String {
        let (short, long) = (self.time(150), self.time(900));
        let all = [
            "{ name = \"x\" } >> { kind = client }",
            "{ name = \"x\" } !>> { kind = client }",
            "{ } !> { name = \"y\" }",
            "{ } !< { kind = client }",
            "{ kind = server } < { kind = client }",
            "{ kind = server } << { resource.service.name = \"a\" }",
            "{ name = \"x\" } ~ { name = \"y\" }",
            "{ name = \"x\" } !~ { name = \"y\" }",
            "{ name = \"x\" } &>> { name = \"y\" }",
            "{ span:childCount > 1 }",
            "{ nestedSetParent < 0 }",
            "{ rootName = \"x\" }",
            "{ rootServiceName = \"a\" }",
            "{ name = \"x\" } && { name = \"y\" }",
            "{ status = error } || { kind = client }",
            "{ span.k != 2 }",
            "{ span.k = 1 }",
            "{ span.k >= 2 }",
            "{ .k = nil }",
            "{ .t = \"2\" }",
            "{ .t =~ \"[uv]\" }",
            "{ span.t !~ \"u\" && kind = server }",
            "{ span.g = true }",
            "{ span.f > 0.75 }",
            "{ !(span.k = 1) }",
            "{ span.http.response.status_code >= 500 }",
            "{ span.http.status_code = 200 }",
            "{ resource.service.name = \"a\" && name = \"x\" }",
            "{ resource.service.name = \"b\" }",
            "{ resource.service.name =~ \"[cd]\" && kind = server }",
            "{ event:name = \"x\" }",
            "{ event.e = 1 }",
            "{ link.m = 1 }",
            "{ instrumentation:name = \"m\" && name = \"z\" }",
            "{ } | count() > 2",
            "{ } | count() < 4",
            "{ kind = client } | count() = 1",
            "{ } | max(span.k) > 2",
            "{ name = \"x\" } | sum(span.k) >= 4",
            "{ } | by(name) | count() > 1",
            "{ } | by(resource.service.name) | count() > 3",
            "{ } | by(name) | coalesce() | count() > 1",
        ];
        match self.dice.below(12) {
            0 => format!("'{{ traceDuration > {long} }}'"),
            1 => format!("'{{ }} | avg(duration) > {short}'"),
            2 => format!("'{{ }} | min(duration) < {short}'"),
            3 => format!("'{{ duration > {short} && kind = server }}'"),
            _ => format!("'{}'", self.pick(&all)),
        }
    }
    fn selector(&mut self) -> String {
        match self.dice.below(10) {
            0..=3 => self.known(),
            4..=6 => self.simple(),
            _ => self.traceql(),
        }
    }
    /// One that picks few spans, so that what is said of all of them may hold.
    pub(super) fn narrow(&mut self) -> String {
        if self.dice.one_in(4) { self.selector() } else { self.known() }
    }
    fn count(&mut self) -> String {
        self.pick(&[
            "1",
            "1",
            "2",
            "'<= 2'",
            "2..",
            "'!= 1'",
            "1..3",
            "0..2",
            "'>= 1'",
            "'> 1'",
            "'< 3'",
            "{ one_of: [1, 3] }",
        ])
    }
    /// A bound on a total, near what it is.
    fn near(&mut self, total: impl Fn(&System) -> usize) -> String {
        let total = total(self.system) as u64;
        let about = (total + self.dice.below(3)).saturating_sub(self.dice.below(3)).max(1);
        match self.dice.below(8) {
            0 | 1 => total.max(1).to_string(),
            2 => about.to_string(),
            3 => format!("'<= {about}'"),
            4 => format!("{about}.."),
            5 => format!("'!= {about}'"),
            6 => format!("'> {about}'"),
            _ => format!("{about}..{}", about + 2),
        }
    }
    pub(super) fn named(&mut self, name: &str) -> String {
        format!("{{ select: {}, as: {name} }}", self.narrow())
    }
    fn entry(&mut self) -> String {
        let mut text = format!("{{ select: {}", self.selector());
        if self.dice.one_in(6) {
            return text + ", count: 0 }";
        }
        if self.dice.coin() {
            let _ = write!(text, ", count: {}", self.count());
        }
        if self.dice.one_in(4) {
            text += ", optional: true";
        }
        if !self.dice.one_in(4) {
            let fact = self.fact();
            let _ = write!(text, ", {fact}");
            let other = self.fact();
            if self.dice.one_in(5) && fact.split(':').next() != other.split(':').next() {
                let _ = write!(text, ", {other}");
            }
            if self.dice.one_in(3) {
                text += ", match: any";
            }
        }
        text + " }"
    }
    /// Entries that may not share a span.
    fn distinct(&mut self) -> Vec<String> {
        let entries = self.dice.within(2, 3);
        let selects: Vec<String> =
            (0..entries).map(|_| if self.dice.coin() { self.known() } else { self.simple() }).collect();
        let entry = |select: String| {
            let count = if self.dice.one_in(3) { format!(", count: {}", self.count()) } else { String::new() };
            let optional = if self.dice.one_in(6) { ", optional: true" } else { "" };
            format!("{{ select: {select}, distinct: true{count}{optional} }}")
        };
        selects.into_iter().map(entry).collect()
    }
    fn fact(&mut self) -> String {
        let span = self.any_span();
        let length = span.as_ref().map_or(100, |span| span.times.1.saturating_sub(span.times.0)).max(2);
        let about = self.dice.within(length / 2, length + length / 2 + 1).max(1);
        let time = self.time(about);
        match self.dice.below(24) {
            0 => format!("duration: '< {time}'"),
            1 => format!("duration: '>= {time}'"),
            2 => format!("self_time: '< {time}'"),
            3 => format!("self_time: '> {time}'"),
            4 => self.pick(&["status: unset", "status: error", "status: '!= error'"]),
            5 => self.pick(&["status_message: absent", "status_message: no", "status_message: exists"]),
            6 => self.pick(&["kind: client", "kind: server", "kind: { one_of: [client, server, internal] }"]),
            7 => self.pick(&["service: a", "service: { one_of: [a, b, c] }", "service: '~ [ab]'"]),
            8 => self.pick(&["name: x", "name: '~ [xyz]'"]),
            9 | 10 => self.pick(&[
                "attributes: { k: exists }",
                "attributes: { k: 0..2 }",
                "attributes: { k: '!= 3' }",
                "attributes: { k: absent }",
                "attributes: { t: { one_of: [u, v] } }",
                "attributes: { t: '2' }",
                "attributes: { f: '< 2' }",
                "attributes: { g: true }",
                "attributes: { l: { contains: u } }",
                "attributes: { l: { length: 2 } }",
                "attributes: { http.status_code: 200 }",
                "attributes: { http.response.status_code: '< 500' }",
                "attributes: { peer.service: b }",
                "attributes: { k: { type: int } }",
            ]),
            11 => self.pick(&[
                "resource: { service.version: '1' }",
                "resource: { host.name: h }",
                "resource: { host.name: exists }",
            ]),
            12 => self.pick(&["scope: { name: m }", "scope: { version: '1' }"]),
            13 | 14 => format!("parent: {}", self.selector()),
            15 | 16 => format!("ancestor: {}", self.selector()),
            17 => format!("children: [{}]", self.selector()),
            18 => format!("children: [{{ select: {}, count: {} }}]", self.selector(), self.count()),
            19 => format!("children: [{{ select: {}, count: 0 }}]", self.selector()),
            20 => self.pick(&[
                "events: [x]",
                "events: [{ name: y, count: 1 }]",
                "events: [{ name: x, attributes: { e: 1 } }]",
                "events: [{ name: y, count: 0 }]",
                "events: [{ attributes: { e: '>= 1' }, count: '<= 1' }]",
            ]),
            21 => self.pick(&["event_order: [x, y]", "event_order: [y, x]", "event_order: [x, x]"]),
            22 => format!("links: [{{ span: {} }}]", self.selector()),
            _ => {
                let span = self.selector();
                let count = self.count();
                let all = [
                    format!("links: [{{ span: {span}, count: {count} }}]"),
                    format!("links: [{{ span: {span}, count: 0 }}]"),
                    "links: [{ attributes: { m: 1 } }]".to_owned(),
                    "links: [{ trace_id: exists, count: 1 }]".to_owned(),
                ];
                all[self.dice.index(all.len())].clone()
            }
        }
    }
    /// Two selections, most often of single spans that lie as the relation wants.
    fn sides(&mut self, relation: &str) -> (String, String) {
        for _ in 0..if self.dice.one_in(3) { 0 } else { 12 } {
            let (Some(one), Some(other)) = (self.any_span(), self.any_span()) else { break };
            let fits = match relation {
                "before" | "adjacent" => one.times.1 <= other.times.0,
                "starts_before" => one.times.0 <= other.times.0,
                "ends_before" => one.times.1 <= other.times.1,
                "overlaps" => one.times.0 < other.times.1 && other.times.0 < one.times.1,
                _ => other.times.0 <= one.times.0 && one.times.1 <= other.times.1,
            };
            let (first, then) = (self.exact_word(&one), self.exact_word(&other));
            if fits && one.id != other.id && first != then {
                return (first, then);
            }
        }
        loop {
            let sides = (self.narrow(), self.narrow());
            if sides.0 != sides.1 {
                return sides;
            }
        }
    }
    fn exact_word(&self, span: &Draft) -> String {
        let service = self.system.service(span);
        let (name, kind) = (span.name, span.kind.word());
        if service.is_empty() {
            format!("{{ name: {name}, kind: {kind} }}")
        } else {
            format!("{{ service: {service}, name: {name}, kind: {kind} }}")
        }
    }
    fn order(&mut self) -> String {
        let relation =
            self.pick(&["before", "before", "starts_before", "ends_before", "overlaps", "within", "adjacent"]);
        let (one, other) = self.sides(&relation);
        match self.dice.below(9) {
            0 => {
                let third = self.narrow();
                if third == one || third == other {
                    return "p -> q".to_owned();
                }
                format!("{{ sequence: [{one}, {other}, {third}] }}")
            }
            1 => format!("{{ parallel: [{one}, {other}] }}"),
            2 => self.pick(&["p -> q", "q -> p"]),
            3 => self.pick(&["{ never: p -> q }", "{ never: q -> p }"]),
            _ => {
                let pairing = self.pick(&["all", "each", "first", "last"]);
                let per = match self.dice.below(5) {
                    0..=2 => "trace".to_owned(),
                    3 => "siblings".to_owned(),
                    _ => format!("{{ under: {} }}", self.narrow()),
                };
                format!("{{ first: {one}, then: {other}, relation: {relation}, pairing: {pairing}, per: {per} }}")
            }
        }
    }
    fn services(&mut self) -> String {
        let mut here: Vec<&str> = own(self.system).map(|span| self.system.service(span)).collect();
        here.retain(|service| !service.is_empty());
        here.sort_unstable();
        here.dedup();
        let one = self.dice.pick(&SERVICES);
        let list = here.join(", ");
        match self.dice.below(8) {
            0 | 1 if !here.is_empty() => format!("[{list}]"),
            2 => format!("[{one}]"),
            3 => format!("{{ any: [{one}, {}] }}", self.dice.pick(&["e", "c2"])),
            4 => format!("{{ none: [{one}] }}"),
            5 => "{ none: [legacy] }".to_owned(),
            6 if !here.is_empty() => format!("{{ only: [{list}] }}"),
            7 if one != "d" => format!("{{ all: [{one}], none: [d, legacy] }}"),
            _ => "{ only: [a, b, c] }".to_owned(),
        }
    }
    fn arrow(&mut self) -> String {
        let from = self.dice.pick(&SERVICES);
        let to = self.dice.pick(&["a", "b", "c", "d", "postgresql", "kafka", "*"]);
        format!("{} -> {to}", if self.dice.one_in(4) { "*" } else { from })
    }
    /// A call that the trace has.
    pub(super) fn call_here(&mut self) -> String {
        let system = self.system;
        let found: Vec<String> = own(system)
            .filter_map(|span| {
                let parent = own(system).find(|above| above.id == span.parent)?;
                let (from, to) = (system.service(parent), system.service(span));
                (from != to && !from.is_empty() && !to.is_empty()).then(|| format!("{from} -> {to}"))
            })
            .collect();
        if found.is_empty() || self.dice.one_in(3) { self.arrow() } else { found[self.dice.index(found.len())].clone() }
    }
    fn calls(&mut self) -> String {
        let (one, other) = (self.call_here(), self.call_here());
        match self.dice.below(9) {
            0 => format!("['{one}']"),
            1 => format!("['{one}', '{}']", self.arrow()),
            2 | 3 => format!("{{ '{one}': {} }}", self.count()),
            4 => format!("{{ forbid: ['{}'] }}", self.arrow()),
            5 => format!("{{ forbid: ['{one}'] }}"),
            6 => "{ only: ['a -> b', 'a -> c', 'b -> c', '* -> postgresql', 'a -> d'] }".to_owned(),
            7 => format!("{{ only: ['{one}', {{ '{other}': '<= 2' }}] }}"),
            _ => format!("{{ require: ['{one}'], forbid: ['{}'] }}", self.arrow()),
        }
    }
    fn errors(&mut self) -> String {
        let failed = own(self.system).filter(|span| span.status == 2).count();
        match self.dice.below(9) {
            0 | 1 => "none".to_owned(),
            2 => failed.to_string(),
            3 => format!("'<= {failed}'"),
            4 => format!("{}..", failed.max(1)),
            5 => format!("{{ allow: [{}] }}", self.selector()),
            6 => format!("{{ allow: [{{ status: error, service: a }}, {}] }}", self.selector()),
            7 => format!("{{ allow: [{}], count: '<= 1' }}", self.selector()),
            _ => "{ swallowed: none }".to_owned(),
        }
    }
    fn duration(&mut self) -> String {
        let from = own(self.system).map(|span| span.times.0).min().unwrap_or(0);
        let to = own(self.system).map(|span| span.times.1).max().unwrap_or(1000);
        let length = to.saturating_sub(from).max(2);
        let about = self.dice.within(length.saturating_sub(200), length + 200).max(1);
        let (time, more) = (self.time(about), self.time(about + 300));
        match self.dice.below(5) {
            0 => format!("'< {time}'"),
            1 => format!("'> {time}'"),
            2 => format!("{time}..{more}"),
            3 => format!("{{ of: root, lt: {time} }}"),
            _ => format!(
                "{{ of: root, gt: {} }}",
                self.time(self.system.drafts.first().map_or(500, |root| root.times.1.saturating_sub(root.times.0) / 2))
            ),
        }
    }
    fn structure(&mut self) -> String {
        let mode = self.pick(&["partial", "partial", "exact"]);
        let ordered = self.dice.coin();
        let Some(root) = self.any_span().filter(|_| !self.dice.one_in(4)) else {
            let (one, other, third) = (self.selector(), self.selector(), self.selector());
            let count = if self.dice.coin() { format!(", count: {}", self.count()) } else { String::new() };
            return format!(
                "{{ mode: {mode}, ordered: {ordered}, tree: {{ select: {one}, children: [{{ select: {other}{count} }}, {{ select: {third} }}] }} }}"
            );
        };
        let tree = self.node(&root, 2);
        format!("{{ mode: {mode}, ordered: {ordered}, tree: {tree} }}")
    }
    /// A span as a node, with most of its children.
    fn node(&mut self, span: &Draft, levels: u8) -> String {
        let mut text = format!("{{ select: {}", self.word_of(span));
        if self.dice.one_in(4) {
            let count = self.pick(&["1", "1..2", "'>= 1'", "'<= 2'", "2"]);
            let _ = write!(text, ", count: {count}");
        }
        let mut children: Vec<Draft> = own(self.system).filter(|child| child.parent == span.id).cloned().collect();
        children.sort_by_key(|child| child.times);
        let mut nodes: Vec<String> = Vec::new();
        for child in children.iter().take(4) {
            if !self.dice.one_in(6) {
                let node = if levels > 0 {
                    self.node(child, levels - 1)
                } else {
                    format!("{{ select: {} }}", self.word_of(child))
                };
                nodes.push(node);
            }
        }
        if self.dice.one_in(6) {
            let name = self.dice.pick(&NAMES);
            let count = self.pick(&["", ", count: 0", ", count: 0..2"]);
            nodes.push(format!("{{ select: {{ name: {name} }}{count} }}"));
        }
        if !nodes.is_empty() {
            let _ = write!(text, ", children: [{}]", nodes.join(", "));
        }
        text + " }"
    }
}
