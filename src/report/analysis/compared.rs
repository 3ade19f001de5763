//! Two samples of durations against each other: percentiles where they are large enough, and what they differ by.

use super::words::short;
use crate::analyse::stats::{Quantile, Sample, ratio, shift, superiority};
use crate::matcher::{brief_duration as time, count_of};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The percentiles that are shown.
pub(super) const QUANTILES: [Quantile; 3] = [Quantile::P50, Quantile::P95, Quantile::P99];

/// `p50 12ms, p95 30ms, max 45ms (p99 needs 299 calls)`
pub(super) fn percentiles(sample: &Sample, what: &str) -> String {
    let mut shown: Vec<String> =
        QUANTILES.iter().filter_map(|q| Some(format!("{q} {}", time(sample.quantile(*q)?)))).collect();
    shown.push(format!("max {}", time(sample.max())));
    let refused = QUANTILES.iter().find(|q| sample.quantile(**q).is_none());
    let refused = refused.map_or(String::new(), |q| format!(" ({q} needs {} {what}s)", q.needs()));
    format!("{}{refused}", shown.join(", "))
}

/// How two samples differ, in two or three lines; each has its name.
pub fn comparison((left_name, left): (&str, &Sample), (right_name, right): (&str, &Sample), what: &str) -> String {
    let mut out = String::new();
    let (left_name, right_name) = (short(left_name), short(right_name));
    for (name, sample) in [(&left_name, left), (&right_name, right)] {
        let _ = writeln!(out, "  {name}: {}, {}", count_of(sample.count(), what), percentiles(sample, what));
    }
    let (times, by) = (ratio(left, right), shift(left, right));
    let more = |ns: i128| {
        format!("{}{}", if ns < 0 { "-" } else { "+" }, time(u64::try_from(ns.unsigned_abs()).unwrap_or(u64::MAX)))
    };
    let words = match (times.interval, by.interval) {
        (Some((low, high)), Some((least, most))) => {
            let verdict = match (low > 1.0, high < 1.0) {
                (true, _) => "takes longer",
                (_, true) => "takes less",
                _ => "does not differ for certain",
            };
            format!(
                "  {right_name} {verdict}: {:.2} times as long (95 %: {low:.2} to {high:.2}), {} ({} to {}); longer in {:.0} % of all pairs",
                times.value,
                more(by.value),
                more(least),
                more(most),
                100.0 * superiority(left, right)
            )
        }
        _ => format!(
            "  {right_name} took {:.2} times as long, {}; too few to be sure: it takes 4 {what}s on each side at least",
            times.value,
            more(by.value)
        ),
    };
    out + &words + "\n"
}

/// The same as JSON.
pub fn comparison_json((left_name, left): (&str, &Sample), (right_name, right): (&str, &Sample)) -> Value {
    let (times, by) = (ratio(left, right), shift(left, right));
    json!({
        "left": sample_json(left_name, left),
        "right": sample_json(right_name, right),
        "ratio": times.value,
        "ratio_low": times.interval.map(|(low, _)| low),
        "ratio_high": times.interval.map(|(_, high)| high),
        "shift_ns": by.value as i64,
        "shift_low_ns": by.interval.map(|(low, _)| low as i64),
        "shift_high_ns": by.interval.map(|(_, high)| high as i64),
        "superiority": superiority(left, right),
    })
}

fn sample_json(name: &str, sample: &Sample) -> Value {
    let mut entry = times_json(sample);
    entry["select"] = json!(name);
    entry
}

/// A percentile for which the sample is too small is null.
pub(super) fn times_json(sample: &Sample) -> Value {
    let mut entry = json!({"count": sample.count(), "min_ns": sample.min(), "max_ns": sample.max()});
    for q in QUANTILES {
        entry[format!("{q}_ns")] = json!(sample.quantile(q));
        entry[format!("{q}_interval_ns")] = json!(sample.interval(q));
    }
    entry
}
