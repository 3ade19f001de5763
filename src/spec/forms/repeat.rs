//! Many runs of a test: how they are made, and what is judged over all of them.

use super::*;

form!(
    /// `repeat`.
    REPEAT, "repeat", "`repeat`", [
        key("runs", Number, "How many runs are judged.", "60"),
        key("warmup", Number, "Runs before those, of which nothing is judged (default 0).", "3"),
        key("concurrency", Number, "How many runs may wait for an answer at once; the next begins when one is answered (default 1).", "10"),
        key("interval", Duration, "Pause between an answer and the run that begins after it (default 0s).", "100ms"),
        key("rate", Word, "How many runs begin each second, minute or hour, by the clock, whether others are answered or not; instead of `concurrency` and `interval`.", "20/s"),
        key("pass_rate", SHARE, "The share of the runs that must pass (default: all). What is in error or inconclusive has not passed.", "95%.."),
    ]
);

form!(
    /// An entry of `percentiles`.
    PERCENTILES, "percentiles", "an entry of `percentiles`", [
        key("select", Selector, "Whose durations; of several spans in one run the longest counts.", "charge"),
        key("of", OneOf(&["response"]), "Instead of `select`: the time to the whole answer, counted from when the run was to begin.", "response"),
        key("p50", TIME, "The median: half of the runs take no longer. Needs 5 runs.", "< 100ms"),
        key("p75", TIME, "75 % of the runs take no longer. Needs 11 runs.", "< 150ms"),
        key("p90", TIME, "90 % of the runs take no longer. Needs 29 runs.", "< 200ms"),
        key("p95", TIME, "95 % of the runs take no longer. Needs 59 runs.", "< 300ms"),
        key("p99", TIME, "99 % of the runs take no longer. Needs 299 runs.", "< 1s"),
        key("p99.9", TIME, "99.9 % of the runs take no longer. Needs 2995 runs.", "< 3s"),
    ]
);

form!(
    /// `compare`.
    COMPARE, "compare", "`compare`", [
        key("left", Selector, "Whose durations; of several spans in one run the longest counts.", "http"),
        key("right", Selector, "With whose durations they are compared, run by run.", "grpc"),
        key("by", OneOf(&["median"]), "Of the ratios of all runs, the one that is compared (the median, also by default).", "median"),
        key("ratio", RATIO, "What left divided by right must be. Needs 6 runs.", "< 0.8"),
    ]
);
