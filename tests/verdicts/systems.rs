//! Random traces: of systems that could exist (calls with both sides, retries, queues, databases, hosts with clocks of
//! their own), of trees without sense, and both damaged as traces are on their way.

use super::dice::Dice;
use super::spans::{Any, Draft, Instance, Kind, System, TRACE};

pub(crate) const SERVICES: [&str; 4] = ["a", "b", "c", "d"];
pub(crate) const NAMES: [&str; 4] = ["x", "y", "z", "w"];
/// The runner's own span, which calls the system.
pub(crate) const RUNNER: u64 = 0xfff;

pub(crate) fn system(dice: &mut Dice) -> System {
    // Whole traces are what most of the rules are about; in a damaged one much is inconclusive.
    let damages = if dice.coin() { 0 } else { dice.within(1, 4) };
    let mut system = System { unit: dice.pick(&[1, 1_000_000, 1_000_000]), known: dice.coin(), ..System::default() };
    instances(dice, &mut system);
    let count = match dice.below(150) {
        0 => dice.within(150, 350) as usize,
        1..=20 => dice.within(20, 40) as usize,
        _ => dice.within(1, 14) as usize,
    };
    match dice.one_in(4) {
        true => tree(dice, &mut system, count),
        false => calls(dice, &mut system, count),
    }
    for at in 0..system.drafts.len() {
        facts(dice, &mut system, at);
    }
    skew(dice, &mut system);
    if dice.one_in(6) {
        linked_trace(dice, &mut system);
    }
    for _ in 0..damages {
        damage(dice, &mut system);
    }
    system
}

fn instances(dice: &mut Dice, system: &mut System) {
    let hosts: &[&'static str] = dice.pick(&[&["h"][..], &["h"], &["h", "i", "j", "k"], &["h", "i", ""], &[""]]);
    let ids = dice.one_in(3);
    let services = dice.within(1, 4) as usize;
    for (number, service) in SERVICES[..services].iter().enumerate() {
        for copy in 0..if dice.one_in(5) { 2 } else { 1 } {
            let host = hosts[(number + copy) % hosts.len()];
            let id = if ids || dice.one_in(6) { format!("{service}-{copy}") } else { String::new() };
            let version = dice.pick(&["1", "2"]);
            system.instances.push(Instance { service, host, id, version });
        }
    }
}

/// When a new span may run: often within what is above it, on a coarse grain, so that equal times are common.
fn slot(dice: &mut Dice, (from, to): (u64, u64), after: Option<u64>) -> (u64, u64) {
    let grain = 50;
    let from = after.filter(|_| !dice.one_in(3)).unwrap_or(from).min(to);
    let to = if dice.one_in(8) { to + 400 } else { to };
    let mut start = dice.within(from, to.max(from));
    let mut end = dice.within(start, to.max(start));
    if dice.one_in(3) {
        (start, end) = (start.next_multiple_of(grain), end.next_multiple_of(grain));
    }
    if dice.one_in(12) { (start, start) } else { (start, end.max(start)) }
}

fn draft(system: &System, parent: u64, instance: usize, name: &'static str, kind: Kind, times: (u64, u64)) -> Draft {
    Draft { id: system.drafts.len() as u64 + 1, parent, instance, name, kind, times, ..Draft::default() }
}

fn other_instance(dice: &mut Dice, system: &System, than: usize) -> usize {
    let here = system.instances[than].service;
    let others: Vec<usize> = (0..system.instances.len()).filter(|&at| system.instances[at].service != here).collect();
    if others.is_empty() || dice.one_in(10) { dice.index(system.instances.len()) } else { dice.pick(&others) }
}

/// A system that could exist, in the time of one clock.
fn calls(dice: &mut Dice, system: &mut System, count: usize) {
    let first = dice.index(system.instances.len());
    let parent = if system.known { RUNNER } else { 0 };
    let kind = if dice.one_in(8) { Kind::Internal } else { Kind::Server };
    let root = draft(system, parent, first, dice.pick(&NAMES), kind, (1000, 2000));
    system.drafts.push(root);
    let mut busy_until: Vec<Option<u64>> = vec![None];
    while system.drafts.len() < count {
        let able: Vec<usize> = (0..system.drafts.len())
            .filter(|&at| matches!(system.drafts[at].kind, Kind::Server | Kind::Internal | Kind::Consumer))
            .collect();
        let above = if dice.coin() { able[able.len() - 1] } else { dice.pick(&able) };
        let (id, instance, times) =
            (system.drafts[above].id, system.drafts[above].instance, system.drafts[above].times);
        let times = slot(dice, times, busy_until[above]);
        busy_until[above] = Some(times.1);
        let name = dice.pick(&NAMES);
        match dice.below(20) {
            0..=5 => {
                let step = draft(system, id, instance, name, Kind::Internal, times);
                system.drafts.push(step);
            }
            6..=13 => call(dice, system, (id, instance, name), times),
            14..=16 => {
                let mut query = draft(system, id, instance, name, Kind::Client, times);
                let key = dice.pick(&["db.system.name", "db.system"]);
                query.attributes.push((key, Any::Text("postgresql")));
                system.drafts.push(query);
            }
            _ => message(dice, system, (id, instance, name), times),
        }
        busy_until.resize(system.drafts.len(), None);
    }
}

/// A call and its answer, tried once more where it failed.
fn call(dice: &mut Dice, system: &mut System, (parent, caller, name): (u64, usize, &'static str), times: (u64, u64)) {
    let callee = other_instance(dice, system, caller);
    let tries = if dice.one_in(6) { 2 } else { 1 };
    let (mut from, to) = times;
    for attempt in 1..=tries {
        let until = if attempt == tries { to } else { from + (to - from) / 2 };
        let mut client = draft(system, parent, caller, name, Kind::Client, (from, until));
        let failed = attempt < tries || dice.one_in(8);
        client.status = if failed { 2 } else { 0 };
        if dice.coin() {
            let key = dice.pick(&["service.peer.name", "peer.service", "server.address", "net.peer.name"]);
            client.attributes.push((key, Any::Text(system.instances[callee].service)));
        }
        if dice.one_in(4) {
            client.attributes.push((dice.pick(&["http.route", "url.template"]), Any::Text("/o")));
        }
        if failed || dice.coin() {
            let status = if failed { dice.pick(&[500, 503, 408, 504, 404]) } else { 200 };
            let key = dice.pick(&["http.response.status_code", "http.response.status_code", "http.status_code"]);
            client.attributes.push((key, Any::Int(status)));
            if failed && dice.one_in(3) {
                client.attributes.push(("error.type", Any::Text(dice.pick(&["timeout", "cancelled"]))));
            }
        }
        let id = client.id;
        let answered = if failed { dice.coin() } else { !dice.one_in(8) };
        system.drafts.push(client);
        if answered {
            // Late answers and calls that nobody awaits end after their caller.
            let gap = (until - from) / 10;
            let end = if dice.one_in(8) { until + dice.within(0, 300) } else { until - dice.within(0, gap) };
            let start = from + dice.within(0, gap);
            let mut server = draft(system, id, callee, name, Kind::Server, (start, end.max(start)));
            server.status = if failed && dice.coin() { 2 } else { 0 };
            if dice.one_in(3) {
                let key = dice.pick(&["http.response.status_code", "http.status_code"]);
                server.attributes.push((key, Any::Int(dice.pick(&[200, 200, 408, 500]))));
            }
            system.drafts.push(server);
        }
        from = until;
    }
}

/// A message and who takes it: below the sender, by a link, in a trace of its own, or nobody.
fn message(
    dice: &mut Dice,
    system: &mut System,
    (parent, sender, name): (u64, usize, &'static str),
    times: (u64, u64),
) {
    let mut producer = draft(system, parent, sender, name, Kind::Producer, times);
    if dice.coin() {
        producer.attributes.push(("messaging.system", Any::Text("kafka")));
        let key = dice.pick(&["messaging.destination.name", "messaging.destination"]);
        producer.attributes.push((key, Any::Text("q")));
    }
    let id = producer.id;
    system.drafts.push(producer);
    let how = dice.below(4);
    if how == 3 {
        return;
    }
    let receiver = other_instance(dice, system, sender);
    let start = times.0 + dice.within(0, 500);
    let end = start + dice.within(0, 300);
    let below = if how == 1 { parent } else { id };
    let mut consumer = draft(system, below, receiver, dice.pick(&NAMES), Kind::Consumer, (start, end));
    if how > 0 {
        consumer.links.push((TRACE, id, Vec::new()));
    }
    if dice.one_in(4) {
        consumer.attributes.push(("messaging.operation.type", Any::Text("process")));
    }
    system.drafts.push(consumer);
}

/// A tree without sense: any kind below any kind, in any service.
fn tree(dice: &mut Dice, system: &mut System, count: usize) {
    for _ in 0..count {
        let above = (!system.drafts.is_empty()).then(|| system.drafts[dice.index(system.drafts.len())].clone());
        let (from, to) = above.as_ref().map_or((1000, 2000), |above| above.times);
        let (parent, instance) = match &above {
            None => (if system.known { RUNNER } else { 0 }, dice.index(system.instances.len())),
            Some(above) if dice.coin() => (above.id, above.instance),
            Some(above) => (above.id, dice.index(system.instances.len())),
        };
        let other = |at: &Draft| at.instance != instance;
        let kind = match &above {
            Some(above) if above.kind == Kind::Client && other(above) => Kind::Server,
            Some(above) if above.kind == Kind::Producer && other(above) => Kind::Consumer,
            _ => dice.pick(&[
                Kind::Unspecified,
                Kind::Internal,
                Kind::Internal,
                Kind::Server,
                Kind::Server,
                Kind::Client,
                Kind::Client,
                Kind::Producer,
                Kind::Consumer,
            ]),
        };
        let mut span = draft(system, parent, instance, dice.pick(&NAMES), kind, (0, 0));
        span.times = slot(dice, (from, to), None);
        span.status = dice.pick(&[0, 0, 0, 1, 2]);
        system.drafts.push(span);
    }
}

/// What spans say beside who called whom.
fn facts(dice: &mut Dice, system: &mut System, at: usize) {
    let count = system.drafts.len() as u64;
    let span = &mut system.drafts[at];
    if dice.coin() {
        span.attributes.push(("k", Any::Int(dice.below(4) as i64)));
    }
    if dice.one_in(3) {
        span.attributes.push(("t", Any::Text(dice.pick(&["u", "v", "2", "true"]))));
    }
    if dice.one_in(8) {
        span.attributes.push(("f", Any::Double(dice.pick(&[0.5, 1.0, 2.5]))));
    }
    if dice.one_in(8) {
        span.attributes.push(("l", Any::List(vec![Any::Text("u"), Any::Text(dice.pick(&["v", "w"]))])));
    }
    if dice.one_in(8) {
        span.attributes.push(("g", Any::Bool(dice.coin())));
    }
    if span.status == 0 && dice.one_in(10) {
        span.status = dice.pick(&[1, 2]);
    }
    if span.status == 2 {
        span.message = dice.pick(&["", "no", "late"]);
    }
    for _ in 0..dice.below(5).saturating_sub(2) {
        let attributes = if dice.coin() { vec![("e", Any::Int(dice.below(3) as i64))] } else { Vec::new() };
        span.events.push((dice.within(span.times.0, span.times.1), dice.pick(&NAMES), attributes));
    }
    if dice.one_in(8) {
        let attributes = if dice.coin() { vec![("m", Any::Int(dice.below(2) as i64))] } else { Vec::new() };
        span.links.push((TRACE, dice.within(1, count), attributes));
    }
    span.scope = dice.below(2) as usize;
}

/// Hosts whose clocks differ.
fn skew(dice: &mut Dice, system: &mut System) {
    if !dice.one_in(3) {
        return;
    }
    let most = dice.pick(&[20, 600]);
    let shifts: Vec<(&str, u64)> = ["h", "i", "j", "k"].into_iter().map(|host| (host, dice.within(0, most))).collect();
    for span in &mut system.drafts {
        let host = system.instances[span.instance].host;
        let by = shifts.iter().find(|(at, _)| *at == host).map_or(0, |(_, by)| *by);
        span.times = (span.times.0 + by, span.times.1 + by);
        span.events.iter_mut().for_each(|event| event.0 += by);
    }
}

/// A trace that links to this one, merged into it.
fn linked_trace(dice: &mut Dice, system: &mut System) {
    let target = dice.pick(&system.drafts.iter().map(|span| span.id).collect::<Vec<_>>());
    let first = dice.index(system.instances.len());
    let mut root = draft(system, 0, first, dice.pick(&NAMES), Kind::Consumer, slot(dice, (1500, 3000), None));
    root.trace = TRACE + 1;
    root.links.push((TRACE, target, Vec::new()));
    let below = (root.id, root.times);
    system.drafts.push(root);
    for _ in 0..dice.below(4) {
        let kind = dice.pick(&[Kind::Internal, Kind::Client, Kind::Server]);
        let mut span = draft(system, below.0, first, dice.pick(&NAMES), kind, slot(dice, below.1, None));
        span.trace = TRACE + 1;
        span.status = dice.pick(&[0, 0, 2]);
        system.drafts.push(span);
    }
    system.linked = true;
}

/// What may happen to a trace on its way.
fn damage(dice: &mut Dice, system: &mut System) {
    if system.drafts.is_empty() {
        return;
    }
    let at = dice.index(system.drafts.len());
    match dice.below(20) {
        0 | 1 => {
            system.drafts.remove(at);
        }
        2 => {
            system.drafts.remove(0);
        }
        3 => {
            let (start, end) = system.drafts[at].times;
            let span = &mut system.drafts[at];
            (span.no_start, span.no_end) = dice.pick(&[(true, false), (false, true), (true, true), (false, false)]);
            span.times = (end.max(start + 1), start);
        }
        4..=6 => {
            for _ in 0..dice.within(1, 3) {
                let at = dice.index(system.drafts.len());
                let how = (dice.below(2) as u32, dice.below(2) as u32, dice.below(2) as u32);
                system.drafts[at].dropped = if how == (0, 0, 0) { (1, 0, 0) } else { how };
            }
        }
        7..=9 => {
            // Text for what is a number elsewhere, and a number for text.
            let all = dice.coin();
            for (row, span) in system.drafts.iter_mut().enumerate().filter(|(row, _)| all || *row == at) {
                for (key, value) in &mut span.attributes {
                    if *key == "k" || key.starts_with("http") {
                        value.as_text();
                    } else if *key == "t" && row % 2 == 0 {
                        *value = Any::Int(2);
                    }
                }
            }
        }
        10 => {
            // Told again: alike, with other content, by another span, or by the answering side.
            let mut again = system.drafts[at].clone();
            match dice.below(5) {
                0 | 1 => {}
                2 => again.attributes.push(("k", Any::Int(3))),
                3 => {
                    again.name = dice.pick(&NAMES);
                    again.parent = 0;
                    again.times = (again.times.0 + 7, again.times.1 + 9);
                }
                _ => again.kind = if again.kind == Kind::Client { Kind::Server } else { Kind::Client },
            }
            system.drafts.push(again);
        }
        11 => system.partial = true,
        12 => system.untyped = true,
        13 => system.invalid = dice.one_in(2),
        14 => {
            let service = system.instances[system.drafts[at].instance].service;
            let nameless = |instance: &mut Instance| instance.service = "";
            system.instances.iter_mut().filter(|instance| instance.service == service).for_each(nameless);
        }
        15 | 16 => system.drafts[at].parent = if system.known && dice.coin() { RUNNER } else { 0 },
        17 => system.drafts[at].parent = 900 + system.drafts[at].id,
        18 => {
            let other = dice.index(system.drafts.len());
            system.drafts[at].parent = system.drafts[other].id;
        }
        _ => system.drafts[at].trace = TRACE + 2,
    }
}
