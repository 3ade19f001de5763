//! Entries of the keys of `trace` that say where its time goes.

use super::*;

form!(
    /// An entry of `critical_path`.
    CRITICAL_PATH, "critical_path", "an entry of `critical_path`", [
    key("select", Selector, "Whose time.", "{ service: payment-service }"),
    key("share", SHARE, "Their part of the root's duration.", "< 60%"),
    key("time", TIME, "How long they have it.", "< 200ms"),
    key("optional", Bool, "No span may be picked at all, and then nothing else is checked.", "true"),
]);

form!(
    /// An entry of `network`.
    NETWORK, "network", "an entry of `network`", [
    key("call", Word, "Which calls; `*` for any service.", "order-service -> payment-service"),
    key("overhead", TIME, "What the caller's CLIENT span takes longer than the callee's SERVER span: there and back, whatever the clocks.", "< 20ms"),
    key("request", TIME, "From the start of the CLIENT span to the start of the SERVER span.", "< 10ms"),
    key("response", TIME, "From the end of the SERVER span to the end of the CLIENT span.", "< 10ms"),
    key("optional", Bool, "There may be no such call, and then nothing else is checked.", "true"),
]);

form!(
    /// An entry of `gaps`.
    GAPS, "gaps", "an entry of `gaps`", [
    key("select", Selector, "In which spans; without it, in every span with children.", "{ service: order-service }"),
    key("max", TIME, "The longest gap of each span.", "< 200ms"),
    key("total", TIME, "All gaps of a span together.", "< 300ms"),
    key("ratio", SHARE, "All gaps of a span as a part of its duration.", "< 50%"),
    key("optional", Bool, "No span may be picked at all, and then nothing else is checked.", "true"),
]);
