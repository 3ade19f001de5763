//! The network: what a CLIENT span takes longer than the SERVER span that answers it (analysis.md, 3.3).
//!
//! The overhead of a pair is a difference of durations, so clocks have no part in it. Request and response are differences of
//! times: where two clocks timed them, each lies in an interval that the calls between the two clocks leave. What has no
//! network time of its own is not left out but named: calls that several SERVER spans answer, that a SERVER span outlives,
//! that nobody answers, and those of which a time is missing.

use crate::facts::{Clocks, Facts, UNBOUNDED, Within};
use crate::trace::{Kind, SpanIx};
use std::collections::BTreeMap;

/// The overrun up to which a SERVER span that outlives its CLIENT span has only closed after its answer had left, or one
/// percent of it: a server's span often ends a moment after its client has read the answer.
const CLOSES_LATE_NS: u64 = 1_000_000;

/// A CLIENT span and the SERVER span that answers it, or a PRODUCER span and the CONSUMER span of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The CLIENT or PRODUCER span.
    pub client: SpanIx,
    /// The SERVER or CONSUMER span.
    pub server: SpanIx,
    /// From the client's start to the server's, by their own clocks.
    pub request_ns: i128,
    /// From the server's end to the client's, by their own clocks.
    pub response_ns: i128,
}

impl Pair {
    /// What the client takes longer than the server: both ways together, whatever the clocks.
    pub fn overhead_ns(&self) -> i128 {
        self.request_ns + self.response_ns
    }
    /// The least and the greatest that the request took, given what is known of the clocks.
    pub fn request_range(&self, clocks: &Clocks) -> (i128, i128) {
        let (ahead, behind) = self.skew(clocks);
        (lower(self.request_ns, ahead), upper(self.request_ns, behind))
    }
    /// The least and the greatest that the response took, given what is known of the clocks.
    pub fn response_range(&self, clocks: &Clocks) -> (i128, i128) {
        let (ahead, behind) = self.skew(clocks);
        (lower(self.response_ns, behind), upper(self.response_ns, ahead))
    }
    /// How far the server's clock is ahead and behind at most.
    fn skew(&self, clocks: &Clocks) -> (i128, i128) {
        let (client, server) = (clocks.clock(self.client), clocks.clock(self.server));
        (clocks.most_ahead(client, server), clocks.most_ahead(server, client))
    }
}

fn lower(time: i128, ahead: i128) -> i128 {
    if ahead == UNBOUNDED { i128::MIN } else { time.saturating_sub(ahead) }
}

fn upper(time: i128, behind: i128) -> i128 {
    if behind == UNBOUNDED { i128::MAX } else { time.saturating_add(behind) }
}

/// A CLIENT span that several SERVER spans answer: retries or hedged calls inside it. Which it awaited is not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retried {
    /// The CLIENT span.
    pub client: SpanIx,
    /// The SERVER spans, in row order.
    pub servers: Vec<SpanIx>,
}

/// What a trace shows of the network between its services. Everything in row order of the CLIENT spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// CLIENT and SERVER spans whose times say how long the network took.
    pub pairs: Vec<Pair>,
    /// PRODUCER and CONSUMER spans: what lies between is the queue's, not the network's.
    pub queues: Vec<Pair>,
    /// Calls that several SERVER spans answer.
    pub retries_seen: Vec<Retried>,
    /// SERVER spans that go on well after their CLIENT span has ended: it gave up, or the answer is a stream.
    pub server_outlives_client: Vec<Pair>,
    /// Calls that no SERVER span answers.
    pub unpaired: Vec<SpanIx>,
    /// Pairs of which a time is missing.
    pub untimed: Vec<(SpanIx, SpanIx)>,
}

impl Network {
    /// What a trace shows.
    pub fn of(facts: &Facts<'_>) -> Network {
        let trace = facts.trace();
        let mut answers: BTreeMap<SpanIx, Vec<SpanIx>> = BTreeMap::new();
        for server in trace.spans().filter(|span| span.kind() == Kind::Server) {
            let Some(parent) = server.parent() else { continue };
            // Also through inner spans of the caller's own.
            let Within::Call(call) = facts.calls().within(parent.ix()) else { continue };
            if trace.span(call).kind() == Kind::Client {
                answers.entry(call).or_default().push(server.ix());
            }
        }
        let mut network = Network::default();
        for call in facts.calls().all().iter().filter(|call| trace.span(call.span).kind() == Kind::Client) {
            match answers.remove(&call.span) {
                None => network.unpaired.push(call.span),
                Some(servers) if servers.len() > 1 => {
                    network.retries_seen.push(Retried { client: call.span, servers });
                }
                Some(servers) => servers.iter().for_each(|&server| network.add(facts, call.span, server)),
            }
        }
        for &(producer, consumer) in facts.calls().pairs() {
            let queue = trace.span(producer).kind() == Kind::Producer || trace.span(consumer).kind() == Kind::Consumer;
            if queue && trace.span(producer).is_timed() && trace.span(consumer).is_timed() {
                network.queues.push(pair(facts, producer, consumer));
            }
        }
        network
    }

    fn add(&mut self, facts: &Facts<'_>, client: SpanIx, server: SpanIx) {
        let trace = facts.trace();
        let (one, other) = (trace.span(client), trace.span(server));
        if !one.is_timed() || !other.is_timed() {
            return self.untimed.push((client, server));
        }
        let overrun = other.duration_ns().saturating_sub(one.duration_ns());
        let list = match overrun <= CLOSES_LATE_NS.max(one.duration_ns() / 100) {
            true => &mut self.pairs,
            false => &mut self.server_outlives_client,
        };
        list.push(pair(facts, client, server));
    }

    /// The pairs by caller and callee, both by their services' names.
    pub fn by_services<'t>(&self, facts: &Facts<'t>) -> BTreeMap<(&'t str, &'t str), Vec<Pair>> {
        let trace = facts.trace();
        let mut all: BTreeMap<(&str, &str), Vec<Pair>> = BTreeMap::new();
        for pair in &self.pairs {
            let services = (trace.span(pair.client).service(), trace.span(pair.server).service());
            all.entry(services).or_default().push(*pair);
        }
        all
    }
}

fn pair(facts: &Facts<'_>, client: SpanIx, server: SpanIx) -> Pair {
    let (one, other) = (facts.trace().span(client), facts.trace().span(server));
    let from_to = |earlier: u64, later: u64| i128::from(later) - i128::from(earlier);
    Pair {
        client,
        server,
        request_ns: from_to(one.start_ns(), other.start_ns()),
        response_ns: from_to(other.end_ns(), one.end_ns()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::fixture::{Draft, draft};

    fn client(id: u64, parent: u64, from: u64, to: u64) -> Draft {
        Draft::new(id, parent, "a", Kind::Client).times(from, to)
    }
    fn server(id: u64, parent: u64, from: u64, to: u64) -> Draft {
        Draft::new(id, parent, "b", Kind::Server).times(from, to)
    }
    fn on(host: &str, draft: Draft) -> Draft {
        draft.resource(&[("host.name", host)])
    }

    #[test]
    fn overhead_is_what_the_client_takes_longer_whatever_the_clocks() {
        for shift in [0, 500, 90_000] {
            let trace = draft(&[client(1, 0, 100_000, 100_100), server(2, 1, 10_020 + shift, 10_090 + shift)]);
            let network = Network::of(&Facts::from(&trace));
            assert_eq!(network.pairs[0].overhead_ns(), 30, "{shift}");
        }
        // Through a span of the caller's own.
        let inner = Draft::new(2, 1, "a", Kind::Internal).times(5, 95);
        let trace = draft(&[client(1, 0, 0, 100), inner, server(3, 2, 20, 90)]);
        let network = Network::of(&Facts::from(&trace));
        assert_eq!((network.pairs[0].request_ns, network.pairs[0].response_ns), (20, 10));
        assert_eq!(network.by_services(&Facts::from(&trace)).keys().collect::<Vec<_>>(), [&("a", "b")]);
    }

    #[test]
    fn what_has_no_network_time_is_named_for_what_it_is() {
        let ms = 1_000_000;
        let spans = [
            Draft::new(1, 0, "a", Kind::Server).times(0, 900 * ms),
            // Answered twice.
            client(10, 1, 0, 100 * ms),
            server(11, 10, 10 * ms, 20 * ms),
            server(12, 10, 30 * ms, 40 * ms),
            // Outlived.
            client(20, 1, 0, 100 * ms),
            server(21, 20, 10 * ms, 400 * ms),
            // Closed a moment after its answer.
            client(30, 1, 0, 100 * ms),
            server(31, 30, 0, 101 * ms),
            // Not answered; a database; without an end.
            client(40, 1, 0, 100 * ms),
            client(50, 1, 0, 100 * ms).text("db.system.name", "postgresql"),
            client(60, 1, 0, 100 * ms),
            server(61, 60, 10 * ms, 20 * ms).without_end(),
            // A queue.
            Draft::new(70, 1, "a", Kind::Producer).times(0, ms),
            Draft::new(71, 70, "b", Kind::Consumer).times(5 * ms, 8 * ms),
        ];
        let trace = draft(&spans);
        let network = Network::of(&Facts::from(&trace));
        let id = |ix: SpanIx| trace.span(ix).id().get();
        let ids = |pairs: &[Pair]| pairs.iter().map(|pair| (id(pair.client), id(pair.server))).collect::<Vec<_>>();
        assert_eq!(ids(&network.pairs), [(30, 31)]);
        assert_eq!(ids(&network.server_outlives_client), [(20, 21)]);
        assert_eq!(ids(&network.queues), [(70, 71)]);
        assert_eq!(
            network.retries_seen.iter().map(|all| (id(all.client), all.servers.len())).collect::<Vec<_>>(),
            [(10, 2)]
        );
        assert_eq!(network.unpaired.iter().map(|&ix| id(ix)).collect::<Vec<_>>(), [40]);
        assert_eq!(network.untimed.iter().map(|&(ix, _)| id(ix)).collect::<Vec<_>>(), [60]);
    }

    #[test]
    fn request_and_response_are_exact_on_one_clock_and_intervals_between_two() {
        let one = draft(&[on("h", client(1, 0, 0, 100)), on("h", server(2, 1, 20, 90))]);
        let (facts, network) = (Facts::from(&one), Network::of(&Facts::from(&one)));
        let clocks = Clocks::of(&facts, None);
        assert_eq!(network.pairs[0].request_range(&clocks), (20, 20));
        assert_eq!(network.pairs[0].response_range(&clocks), (10, 10));
        // Neither way takes less than nothing, nor more than both.
        let two = draft(&[on("h", client(1, 0, 0, 100)), on("i", server(2, 1, 20, 90))]);
        let (facts, network) = (Facts::from(&two), Network::of(&Facts::from(&two)));
        let clocks = Clocks::of(&facts, None);
        assert_eq!(network.pairs[0].request_range(&clocks), (0, 30));
        assert_eq!(network.pairs[0].response_range(&clocks), (0, 30));
        let clocks = Clocks::of(&facts, Some(5));
        assert_eq!(network.pairs[0].request_range(&clocks), (15, 25));
        assert_eq!(network.pairs[0].response_range(&clocks), (5, 15));
    }
}
