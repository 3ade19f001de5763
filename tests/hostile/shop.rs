//! A small system in which nothing is wrong, and what is true and untrue of its trace.

use super::dice::Dice;
use super::scenario::{CALLER, CLIENT, INTERNAL, Made, SERVER, letters};

/// Services bear a scenario's letters, so that no scenario teaches the run about another one's calls.
pub struct Shop {
    pub gateway: String,
    pub payment: String,
    pub stock: String,
    pub queries: u64,
    pub spans: Vec<Made>,
}

pub const CHARGE: u64 = 2;
pub const CHARGED: u64 = 3;
pub const AUTHORIZE: u64 = 4;
pub const RESERVE: u64 = 5;
pub const RESERVED: u64 = 6;

pub fn shop(dice: &mut Dice, number: usize) -> Shop {
    let name = letters(number);
    let (gateway, payment, stock) = (format!("gateway-{name}"), format!("payment-{name}"), format!("stock-{name}"));
    let queries = dice.within(1, 4);
    let mut spans = vec![
        Made::new(&gateway, SERVER, "POST /orders", 1, CALLER, (0, 10_000)).with("http.response.status_code", 201),
        Made::new(&gateway, CLIENT, "POST /charge", CHARGE, 1, (1000, 4000)).with("server.address", payment.as_str()),
        Made::new(&payment, SERVER, "POST /charge", CHARGED, CHARGE, (1200, 3800)),
        Made::new(&payment, INTERNAL, "authorize", AUTHORIZE, CHARGED, (1500, 3000))
            .with("stage", "done")
            .with("tries", 1),
        Made::new(&gateway, CLIENT, "POST /reserve", RESERVE, 1, (5000, 8000)).with("server.address", stock.as_str()),
        Made::new(&stock, SERVER, "POST /reserve", RESERVED, RESERVE, (5200, 7800)),
    ];
    for query in 0..queries {
        let from = 5300 + 500 * query as i64;
        let made = Made::new(&stock, CLIENT, "SELECT items", 10 + query, RESERVED, (from, from + 400));
        spans.push(made.with("db.system.name", "sqlite"));
    }
    Shop { gateway, payment, stock, queries, spans }
}

impl Shop {
    pub fn span(&mut self, id: u64) -> &mut Made {
        self.spans.iter_mut().find(|span| span.id == id).unwrap()
    }

    /// Something true, or untrue, of the whole trace, whatever the clocks of other hosts than the gateway's say.
    pub fn claim(&self, dice: &mut Dice) -> (String, &'static str) {
        let (count, queries) = (self.spans.len() as u64, self.queries);
        let (gateway, payment, stock) = (&self.gateway, &self.payment, &self.stock);
        let charge = "{ name: POST /charge, kind: client }";
        let reserve = "{ name: POST /reserve, kind: client }";
        let claims = [
            (format!("services: {{ only: [{gateway}, {payment}, {stock}] }}"), true),
            (format!("services: [{gateway}, {payment}, {stock}]"), true),
            (format!("services: {{ none: [{stock}] }}"), false),
            (format!("services: {{ only: [{gateway}, {stock}] }}"), false),
            ("services: [nobody]".to_owned(), false),
            (format!("calls: [{gateway} -> {payment}, {gateway} -> {stock}, {stock} -> sqlite]"), true),
            (format!("calls: {{ '{stock} -> sqlite': {queries} }}"), true),
            (format!("calls: {{ '{stock} -> sqlite': '< {queries}' }}"), false),
            (format!("calls: {{ forbid: ['{payment} -> {stock}'] }}"), true),
            (format!("calls: {{ forbid: ['{gateway} -> {stock}'] }}"), false),
            (format!("span_count: {count}"), true),
            (format!("span_count: '> {count}'"), false),
            (format!("span_count: '< {count}'"), false),
            ("depth: 4".to_owned(), true),
            ("depth: 5".to_owned(), false),
            ("roots: 1".to_owned(), true),
            ("errors: none".to_owned(), true),
            ("errors: 1".to_owned(), false),
            ("propagation: intact".to_owned(), true),
            ("duration: { of: root, lt: 11ms }".to_owned(), true),
            ("duration: { of: root, lt: 9ms }".to_owned(), false),
            ("spans: [{ select: { name: authorize }, count: 1, attributes: { stage: done } }]".to_owned(), true),
            ("spans: [{ select: { name: authorize }, attributes: { stage: open } }]".to_owned(), false),
            ("spans: [{ select: { name: authorize }, attributes: { refund: exists } }]".to_owned(), false),
            ("spans: [{ select: { name: legacy }, count: 0 }]".to_owned(), true),
            ("spans: [{ select: { name: legacy } }]".to_owned(), false),
            ("spans: [{ select: { name: SELECT items }, count: 0 }]".to_owned(), false),
            (format!("spans: [{{ select: {{ service: {stock}, kind: client }}, count: {queries} }}]"), true),
            (format!("spans: [{{ select: {{ service: {stock}, kind: client }}, count: '< {queries}' }}]"), false),
            ("spans: [{ select: { name: SELECT items, ancestor: { name: POST /reserve } }, parent: { kind: server } }]".to_owned(), true),
            (format!("order: [{{ first: {charge}, then: {reserve} }}]"), true),
            (format!("order: [{{ first: {reserve}, then: {charge} }}]"), false),
            (format!("order: [{{ parallel: [{charge}, {reserve}] }}]"), false),
            (
                format!("structure: {{ tree: {{ select: {{ service: {gateway}, kind: server }}, children: [{{ select: {charge} }}, {{ select: {reserve}, children: [{{ select: {{ service: {stock} }}, children: [{{ select: {{ name: SELECT items }}, count: {queries} }}] }}] }}] }} }}"),
                true,
            ),
            (
                format!("structure: {{ mode: exact, tree: {{ select: {{ service: {gateway}, kind: server }}, children: [{{ select: {charge} }}] }} }}"),
                false,
            ),
            ("traceql: [{ none: '{ status = error }' }]".to_owned(), true),
            (format!("traceql: ['{{ name = \"SELECT items\" }} | count() = {queries}']"), true),
            ("traceql: [{ none: '{ span.db.system.name = \"sqlite\" }' }]".to_owned(), false),
            ("traceql: ['{ kind = server } >> { name = \"nothing\" }']".to_owned(), false),
        ];
        let (text, holds) = &claims[dice.index(claims.len())];
        (format!("{{ {text} }}"), if *holds { "pass" } else { "fail" })
    }
}
