//! The kinds of scenarios, each drawn with other parameters by its number, and the verdict that is right.

use super::dice::Dice;
use super::scenario::{CALLER, CLIENT, CONSUMER, Delivery, Fault, INTERNAL, Made, PRODUCER, Place, SERVER, Scenario};
use super::shop::{AUTHORIZE, CHARGE, CHARGED, RESERVED, Shop, shop};

type Kind = fn(&mut Dice, usize) -> Scenario;

/// How often each kind is drawn.
const KINDS: &[(usize, Kind)] = &[
    (14, on_time),
    (20, split),
    (14, slow_exporter),
    (14, delivered_twice),
    (10, grows),
    (6, told_often),
    (10, mixed_with_another_trace),
    (10, answered_late),
    (8, restarted),
    (10, skewed),
    (8, shared_ids),
    (8, odd_names),
    (6, redirected),
    (3, large),
    (36, faulty_store),
    (18, partial_answers),
    (14, lost_parent),
    (8, missing_service),
    (6, no_trace),
    (4, closed_connection),
    (6, failed_answer),
    (8, several_roots),
    (8, one_id_twice),
    (10, dropped_attributes),
    (6, no_end),
    (6, text_for_numbers),
    (6, proven_skew),
    (12, asynchronous),
    (6, linked_trace),
    (10, failing_call),
];

/// All scenarios, in a fixed order.
pub fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for (times, kind) in KINDS {
        for nth in 0..*times {
            let number = all.len();
            let mut scenario = kind(&mut Dice::new(number as u64), number);
            // Every kind in every place, unless it is about one.
            if scenario.place == Place::Receiver && scenario.kind != "linked trace" {
                scenario.place =
                    [Place::Receiver, Place::Receiver, Place::Receiver, Place::Jaeger, Place::Tempo][nth % 5];
            }
            all.push(scenario);
        }
    }
    all
}

fn claimed(kind: &'static str, dice: &mut Dice, shop: &Shop) -> Scenario {
    let (expect, right) = shop.claim(dice);
    Scenario::new(kind, shop.spans.clone(), expect, right)
}

fn on_time(dice: &mut Dice, number: usize) -> Scenario {
    let shop = shop(dice, number);
    claimed("on time", dice, &shop)
}

/// In so many deliveries, within the exporters' delay.
fn split(dice: &mut Dice, number: usize) -> Scenario {
    let shop = shop(dice, number);
    let mut scenario = claimed("split into batches", dice, &shop);
    let spans = std::mem::take(&mut scenario.deliveries[0].spans);
    let parts = dice.within(2, 6);
    let mut deliveries: Vec<Delivery> =
        (0..parts).map(|_| Delivery { after_ms: dice.within(0, 400), spans: Vec::new() }).collect();
    spans.into_iter().for_each(|span| deliveries[dice.index(parts as usize)].spans.push(span));
    deliveries.retain(|delivery| !delivery.spans.is_empty());
    deliveries.sort_by_key(|delivery| delivery.after_ms);
    scenario.deliveries = deliveries;
    scenario
}

fn slow_exporter(dice: &mut Dice, number: usize) -> Scenario {
    let shop = shop(dice, number);
    let mut scenario = claimed("one exporter is slow", dice, &shop);
    let spans = std::mem::take(&mut scenario.deliveries[0].spans);
    let slow = dice.pick(&["gateway", "payment", "stock"]);
    let (late, early) = spans.into_iter().partition(|span| span.service.starts_with(slow));
    scenario.deliveries =
        vec![Delivery { after_ms: 0, spans: early }, Delivery { after_ms: dice.within(400, 700), spans: late }];
    scenario
}

/// As an exporter does whose first try was received and not confirmed.
fn delivered_twice(dice: &mut Dice, number: usize) -> Scenario {
    let shop = shop(dice, number);
    let mut scenario = claimed("delivered twice", dice, &shop);
    let mut again = scenario.deliveries[0].clone();
    again.after_ms = dice.pick(&[0, 100, 400]);
    if dice.coin() {
        again.spans.truncate(3);
    }
    scenario.deliveries.push(again);
    scenario
}

/// A span is told before it has ended, then whole.
fn grows(dice: &mut Dice, number: usize) -> Scenario {
    let shop = shop(dice, number);
    let mut early = shop.spans.clone();
    for span in early.iter_mut().filter(|span| span.id == AUTHORIZE) {
        span.attributes.clear();
        span.to_us = None;
    }
    let (expect, right) = dice.pick(&[
        ("{ spans: [{ select: { name: authorize }, attributes: { stage: absent } }] }", "fail"),
        ("{ spans: [{ select: { name: authorize }, duration: < 2ms }] }", "pass"),
        ("{ spans: [{ select: { attributes: { tries: 1 } }, count: 1 }] }", "pass"),
        ("{ spans: [{ select: { attributes: { tries: 1 } }, count: 0 }] }", "fail"),
    ]);
    let mut scenario = Scenario::new("a span told before its end", early, expect, right);
    scenario.ordered = true;
    let last = shop.spans.iter().filter(|span| span.id == AUTHORIZE).cloned().collect();
    scenario.deliveries.push(Delivery { after_ms: dice.within(100, 500), spans: last });
    scenario
}

/// Newer content counts, however often the span was told before.
fn told_often(dice: &mut Dice, number: usize) -> Scenario {
    let mut scenario = grows(dice, number);
    scenario.kind = "a span told many times";
    let mut deliveries = vec![scenario.deliveries[0].clone()];
    for nth in 1..=dice.within(9, 12) {
        let mut spans = scenario.deliveries[0].spans.clone();
        spans.retain(|span| span.id == AUTHORIZE);
        spans.iter_mut().for_each(|span| span.attributes.push(("nth".to_owned(), nth.into())));
        deliveries.push(Delivery { after_ms: 30 * nth, spans });
    }
    let mut last = scenario.deliveries[1].clone();
    last.spans.iter_mut().for_each(|span| span.attributes.push(("nth".to_owned(), 100.into())));
    deliveries.push(Delivery { after_ms: 600, ..last });
    scenario.deliveries = deliveries;
    scenario
}

/// Exports hold spans of other traces.
fn mixed_with_another_trace(dice: &mut Dice, number: usize) -> Scenario {
    let shop = shop(dice, number);
    let mut scenario = claimed("mixed with another trace", dice, &shop);
    let mut others = scenario.deliveries[0].spans.clone();
    for span in &mut others {
        span.trace = 1;
        span.name = "legacy".to_owned();
        span.error = true;
    }
    let all = &mut scenario.deliveries[0].spans;
    if dice.coin() {
        all.extend(others)
    } else {
        all.splice(0..0, others).for_each(drop)
    }
    scenario
}

/// The answer comes after the spans.
fn answered_late(dice: &mut Dice, number: usize) -> Scenario {
    let mut scenario = split(dice, number);
    scenario.kind = "answered late";
    scenario.reply.after_ms = dice.within(300, 2500);
    scenario
}

/// Two instances of one service took part.
fn restarted(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    for span in &mut shop.spans {
        span.host = "host".to_owned();
        span.instance = format!("{}-{}", span.service, u8::from(span.id > CHARGED));
    }
    claimed("restarted in between", dice, &shop)
}

/// A host's clock is wrong; nothing claimed depends on it.
fn skewed(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    let by = dice.pick(&[-3_600_000_000, -2_000_000, 500_000, 5_000_000]);
    let payment = shop.payment.clone();
    for span in &mut shop.spans {
        span.host = format!("host-of-{}", span.service);
        if span.service == payment {
            span.from_us += by;
            span.to_us = span.to_us.map(|to| to + by);
        }
    }
    claimed("a host's clock is wrong", dice, &shop)
}

/// The server goes on in its client's span (Zipkin style).
fn shared_ids(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    let client = shop.span(CHARGE).clone();
    let server = shop.span(CHARGED);
    (server.id, server.parent) = (client.id, client.parent);
    shop.span(AUTHORIZE).parent = CHARGE;
    claimed("client and server share an id", dice, &shop)
}

fn odd_names(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    let odd = dice.pick(&["\u{1b}[31mred\u{1b}[0m\r\n", "<script>alert(1)</script>", "\u{202e}reversed", "a\tb\u{0}c"]);
    shop.span(CHARGED).attributes.push((odd.to_owned(), odd.into()));
    let stray = Made::new(&shop.stock.clone(), INTERNAL, odd, 50, RESERVED, (5300, 5400));
    shop.spans.push(stray);
    claimed("odd names", dice, &shop)
}

fn redirected(dice: &mut Dice, number: usize) -> Scenario {
    let shop = shop(dice, number);
    let count = shop.spans.len() + 1;
    let claims = [
        ("{ roots: 1 }".to_owned(), "pass"),
        ("{ propagation: intact }".to_owned(), "pass"),
        (format!("{{ span_count: {count} }}"), "pass"),
        ("{ spans: [{ select: { name: GET /from }, count: 0 }] }".to_owned(), "fail"),
        ("{ duration: { of: root, gt: 9ms } }".to_owned(), "pass"),
    ];
    let (expect, right) = claims[dice.index(claims.len())].clone();
    let mut scenario = Scenario::new("redirected", shop.spans, expect, right);
    scenario.reply.redirect = true;
    scenario
}

fn large(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    for id in 0..600 {
        let made = Made::new(&shop.stock, INTERNAL, "step", 1000 + id, RESERVED, (5200 + id as i64, 5300 + id as i64));
        shop.spans.push(made);
    }
    let mut scenario = claimed("large", dice, &shop);
    let spans = std::mem::take(&mut scenario.deliveries[0].spans);
    let parts = spans.chunks(200).enumerate();
    scenario.deliveries =
        parts.map(|(at, spans)| Delivery { after_ms: at as u64 * 100, spans: spans.to_vec() }).collect();
    scenario
}

/// A store that fails for a while.
fn faulty_store(dice: &mut Dice, number: usize) -> Scenario {
    let mut scenario = split(dice, number);
    scenario.kind = "a store that fails for a while";
    scenario.place = dice.pick(&[Place::Jaeger, Place::Tempo]);
    let all = [Fault::Busy, Fault::NotFound, Fault::Empty, Fault::Html, Fault::Close, Fault::Half];
    scenario.faults = match dice.below(4) {
        0 => vec![dice.pick(&all); dice.within(1, 8) as usize],
        1 => vec![Fault::Hang],
        _ => (0..dice.within(2, 10)).map(|_| dice.pick(&all)).collect(),
    };
    // A page as the very first answer is a wrong address, and an error.
    scenario.faults.insert(0, Fault::NotFound);
    scenario
}

/// Answers that say that they are not all.
fn partial_answers(dice: &mut Dice, number: usize) -> Scenario {
    let shop = shop(dice, number);
    let count = shop.spans.len();
    let claims = [
        ("{ spans: [{ select: { name: authorize } }] }".to_owned(), "pass"),
        (format!("{{ services: [{}] }}", shop.stock), "pass"),
        ("{ errors: none }".to_owned(), "inconclusive"),
        (format!("{{ span_count: {count} }}"), "inconclusive"),
        ("{ spans: [{ select: { name: legacy }, count: 0 }] }".to_owned(), "inconclusive"),
        ("{ spans: [{ select: { name: authorize }, count: 0 }] }".to_owned(), "fail"),
        (format!("{{ span_count: '< {count}' }}"), "fail"),
        ("{ traceql: [{ none: '{ status = error }' }] }".to_owned(), "inconclusive"),
        (format!("{{ services: {{ none: [{}] }} }}", shop.stock), "fail"),
    ];
    let (expect, right) = claims[dice.index(claims.len())].clone();
    let mut scenario = Scenario::new("partial answers", shop.spans, expect, right);
    scenario.place = dice.pick(&[Place::Jaeger, Place::Tempo]);
    scenario.partial = true;
    scenario.keys.push("wait: { timeout: 12s }".to_owned());
    scenario
}

/// The span between two others never comes.
fn lost_parent(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    shop.spans.retain(|span| span.id != RESERVED);
    let count = shop.spans.len();
    let claims = [
        ("{ propagation: intact }".to_owned(), "fail"),
        (format!("{{ services: [{}] }}", shop.stock), "pass"),
        (format!("{{ span_count: {count} }}"), "inconclusive"),
        (format!("{{ span_count: '< {count}' }}"), "fail"),
        ("{ errors: none }".to_owned(), "inconclusive"),
        ("{ spans: [{ select: { name: legacy }, count: 0 }] }".to_owned(), "inconclusive"),
        ("{ spans: [{ select: { name: POST /reserve, kind: server } }] }".to_owned(), "fail"),
        ("{ spans: [{ select: { name: authorize }, attributes: { stage: done } , match: any }] }".to_owned(), "pass"),
        ("{ spans: [{ select: { name: authorize }, attributes: { stage: open } }] }".to_owned(), "fail"),
    ];
    let (expect, right) = claims[dice.index(claims.len())].clone();
    Scenario::new("a parent that never comes", shop.spans, expect, right)
}

/// A service that was called and exports nothing.
fn missing_service(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    let stock = shop.stock.clone();
    shop.spans.retain(|span| span.service != stock);
    let claims = [
        (format!("{{ services: [{stock}] }}"), "fail"),
        (format!("{{ services: [{}] }}", shop.payment), "pass"),
        ("{ spans: [{ select: { name: SELECT items } }] }".to_owned(), "fail"),
        ("{ spans: [{ select: { name: authorize }, count: 1 }] }".to_owned(), "pass"),
        (
            format!(
                "{{ spans: [{{ select: {{ service: {stock} }}, optional: true, duration: < 1h }}], propagation: intact }}"
            ),
            "fail",
        ),
    ];
    let (expect, right) = claims[dice.index(claims.len())].clone();
    Scenario::new("a service that exports nothing", shop.spans, expect, right)
}

fn no_trace(dice: &mut Dice, number: usize) -> Scenario {
    let shop = shop(dice, number);
    let (expect, _) = shop.claim(dice);
    let mut scenario = Scenario::new("no trace at all", Vec::new(), expect, "error");
    scenario.keys.push("wait: { timeout: 2s }".to_owned());
    scenario
}

fn closed_connection(dice: &mut Dice, number: usize) -> Scenario {
    let mut scenario = on_time(dice, number);
    (scenario.kind, scenario.right) = ("the connection is closed", "error");
    scenario.reply.close = true;
    scenario
}

fn failed_answer(dice: &mut Dice, number: usize) -> Scenario {
    let mut scenario = on_time(dice, number);
    scenario.kind = "an answer of 5xx";
    scenario.reply.status = dice.pick(&[500, 502, 503, 504]);
    if dice.coin() {
        scenario.keys.push(format!("response: {{ status: {} }}", scenario.reply.status));
    } else {
        scenario.right = "fail";
    }
    scenario
}

/// The context was lost within the trace.
fn several_roots(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    shop.span(RESERVED).parent = 0;
    let count = shop.spans.len();
    let claims = [
        ("{ propagation: intact }".to_owned(), "fail"),
        ("{ roots: 1 }".to_owned(), "fail"),
        ("{ roots: 2 }".to_owned(), "pass"),
        (format!("{{ span_count: {count} }}"), "pass"),
        ("{ errors: none }".to_owned(), "pass"),
        ("{ duration: { of: root, lt: 1s } }".to_owned(), "fail"),
    ];
    let (expect, right) = claims[dice.index(claims.len())].clone();
    Scenario::new("several roots", shop.spans, expect, right)
}

/// Two different spans under one id: one of them is lost.
fn one_id_twice(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    let mut other = shop.span(AUTHORIZE).clone();
    other.name = "audit".to_owned();
    other.from_us += 700;
    other.to_us = Some(3500);
    shop.spans.push(other);
    let claims = [
        ("{ spans: [{ select: { name: audit }, count: 0 }] }".to_owned(), "inconclusive"),
        ("{ spans: [{ select: { name: authorize }, count: 0 }] }".to_owned(), "inconclusive"),
        (format!("{{ services: [{}] }}", shop.stock), "pass"),
        ("{ spans: [{ select: { name: SELECT items }, count: 0 }] }".to_owned(), "fail"),
    ];
    let (expect, right) = claims[dice.index(claims.len())].clone();
    Scenario::new("one id, two spans", shop.spans, expect, right)
}

fn dropped_attributes(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    shop.span(AUTHORIZE).dropped_attributes = 3;
    let (expect, right) = dice.pick(&[
        ("{ spans: [{ select: { name: authorize }, attributes: { stage: done } }] }", "pass"),
        ("{ spans: [{ select: { name: authorize }, attributes: { stage: open } }] }", "fail"),
        ("{ spans: [{ select: { name: authorize }, attributes: { refund: absent } }] }", "inconclusive"),
        ("{ spans: [{ select: { name: authorize }, attributes: { refund: exists } }] }", "inconclusive"),
        ("{ spans: [{ select: { attributes: { refund: exists } }, count: 0 }] }", "inconclusive"),
        ("{ errors: none }", "pass"),
        ("{ traceql: [{ none: '{ span.refund = true }' }] }", "inconclusive"),
    ]);
    Scenario::new("attributes dropped by the SDK", shop.spans, expect, right)
}

fn no_end(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    shop.span(AUTHORIZE).to_us = None;
    let (expect, right) = dice.pick(&[
        ("{ spans: [{ select: { name: authorize }, duration: < 1s }] }", "inconclusive"),
        ("{ spans: [{ select: { name: authorize }, attributes: { stage: done } }] }", "pass"),
        ("{ spans: [{ select: { name: POST /charge, kind: server }, duration: '> 1s' }] }", "fail"),
    ]);
    Scenario::new("a span without an end", shop.spans, expect, right)
}

fn text_for_numbers(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    shop.span(AUTHORIZE).attributes = vec![("code".to_owned(), "200".into())];
    let (expect, right) = dice.pick(&[
        ("{ spans: [{ select: { name: authorize }, attributes: { code: 200 } }] }", "fail"),
        ("{ spans: [{ select: { name: authorize }, attributes: { code: '200' } }] }", "pass"),
        ("{ spans: [{ select: { attributes: { code: 200 } }, count: 0 }] }", "inconclusive"),
        ("{ spans: [{ select: { attributes: { code: 200 } } }] }", "fail"),
    ]);
    Scenario::new("text for a number", shop.spans, expect, right)
}

/// A server that starts a second before its caller has another clock.
fn proven_skew(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    let payment = shop.payment.clone();
    for span in &mut shop.spans {
        span.host = format!("host-of-{}", span.service);
        if span.service == payment {
            span.from_us -= 1_000_000;
            span.to_us = span.to_us.map(|to| to - 1_000_000);
        }
    }
    let (expect, right) = dice.pick(&[
        ("{ clock_skew: none }", "fail"),
        (
            "{ order: [{ first: { name: POST /charge, kind: client }, then: { name: POST /reserve, kind: client } }] }",
            "pass",
        ),
        (
            "{ order: [{ first: { name: POST /reserve, kind: client }, then: { name: POST /charge, kind: client } }] }",
            "fail",
        ),
    ]);
    Scenario::new("a clock proven wrong", shop.spans, expect, right)
}

/// Work goes on after the answer.
fn asynchronous(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    let mailer = shop.gateway.replace("gateway", "mailer");
    shop.spans
        .push(Made::new(&shop.gateway, PRODUCER, "send mails", 20, 1, (8200, 8400)).with("messaging.system", "kafka"));
    let fails = dice.coin();
    let mut consumer = Made::new(&mailer, CONSUMER, "process mails", 21, 20, (600_000, 700_000));
    consumer.error = fails;
    let count = shop.spans.len() + 1;
    let claims = [
        ("{ errors: none }".to_owned(), if fails { "fail" } else { "pass" }),
        (format!("{{ services: [{mailer}] }}"), "pass"),
        (format!("{{ services: {{ none: [{mailer}] }} }}"), "fail"),
        (format!("{{ span_count: {count} }}"), "pass"),
        ("{ spans: [{ select: { kind: consumer }, count: 0 }] }".to_owned(), "fail"),
        (format!("{{ calls: [{} -> {mailer}] }}", shop.gateway), "pass"),
    ];
    let (expect, right) = claims[dice.index(claims.len())].clone();
    let mut scenario = Scenario::new("work after the answer", shop.spans, expect, right);
    scenario.deliveries.push(Delivery { after_ms: dice.within(700, 1200), spans: vec![consumer] });
    scenario.ordered = true;
    scenario
}

/// A consumer with a trace of its own.
fn linked_trace(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    let mailer = shop.gateway.replace("gateway", "mailer");
    shop.spans.push(Made::new(&shop.gateway, PRODUCER, "send mails", 20, 1, (8200, 8400)));
    let mut consumer = Made::new(&mailer, CONSUMER, "process mails", 21, 0, (9000, 9500));
    (consumer.trace, consumer.links) = (1, vec![20]);
    let claims = [
        (format!("{{ follow_links: true, services: [{mailer}] }}"), "pass"),
        (format!("{{ follow_links: true, services: {{ none: [{mailer}] }} }}"), "fail"),
        (format!("{{ services: {{ none: [{mailer}] }} }}"), "pass"),
        (format!("{{ follow_links: true, calls: [{} -> {mailer}] }}", shop.gateway), "pass"),
    ];
    let (expect, right) = claims[dice.index(claims.len())].clone();
    let mut scenario = Scenario::new("linked trace", shop.spans, expect, right);
    scenario.deliveries.push(Delivery { after_ms: dice.within(0, 300), spans: vec![consumer] });
    scenario
}

/// A call that failed and what was made of it.
fn failing_call(dice: &mut Dice, number: usize) -> Scenario {
    let mut shop = shop(dice, number);
    let payment = shop.payment.clone();
    for id in [CHARGE, CHARGED, AUTHORIZE] {
        shop.span(id).error = true;
    }
    let again =
        Made::new(&shop.gateway, CLIENT, "POST /charge", 30, 1, (4100, 4800)).with("server.address", payment.as_str());
    let answer = Made::new(&payment, SERVER, "POST /charge", 31, 30, (4200, 4700));
    shop.spans.extend([again, answer]);
    let claims = [
        ("{ errors: none }".to_owned(), "fail"),
        ("{ errors: 3 }".to_owned(), "pass"),
        ("{ errors: { swallowed: none } }".to_owned(), "fail"),
        (format!("{{ errors: {{ allow: [{{ service: {payment} }}, {{ kind: client }}] }} }}"), "pass"),
        (format!("{{ calls: {{ '{} -> {payment}': 2 }} }}", shop.gateway), "pass"),
        ("{ spans: [{ select: { name: authorize }, status: error }] }".to_owned(), "pass"),
        ("{ traceql: ['{ status = error } | count() = 3'] }".to_owned(), "pass"),
    ];
    let (expect, right) = claims[dice.index(claims.len())].clone();
    Scenario::new("a call tried twice", shop.spans, expect, right)
}

/// What comes when the verdict was given: a green is watched until the run ends.
pub fn late_scenarios() -> Vec<Scenario> {
    (0..6)
        .map(|number| {
            let shop = shop(&mut Dice::new(number as u64), number);
            let breaks = number % 2 == 0;
            let late = Made::new(&shop.stock, INTERNAL, "compensate", 60, RESERVED, (7000, 7100));
            let late = if breaks { late.failed() } else { late };
            let mut scenario = Scenario::new(
                "after the verdict",
                shop.spans.clone(),
                "{ errors: none }",
                if breaks { "fail" } else { "pass" },
            );
            scenario.place = [Place::Receiver, Place::Jaeger, Place::Tempo][number / 2];
            scenario.deliveries.push(Delivery { after_ms: 5000, spans: vec![late] });
            scenario.ordered = true;
            scenario
        })
        .collect()
}

/// Keeps a run going until what is late has come.
pub fn patient(number: usize) -> Scenario {
    let mut shop = shop(&mut Dice::new(99), number);
    shop.span(1).parent = CALLER;
    let mut scenario =
        Scenario::new("keeps the run going", shop.spans, "{ spans: [{ select: { name: legacy } }] }", "fail");
    scenario.keys.push("wait: { settle: 5s, timeout: 20s }".to_owned());
    scenario
}
