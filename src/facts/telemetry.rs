//! What the environment of a process does to its spans: the variables of OpenTelemetry's specification, as SDKs read them.

use std::net::SocketAddr;

/// A variable because of which a process' spans do not come to the runner, or not in the trace of who called it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// Its value; of a URL only scheme, host and port.
    pub value: String,
    /// Whether it stands in the configuration; otherwise the process inherits it from whoever started the runner.
    pub is_configured: bool,
    /// What it does.
    pub effect: Effect,
}

/// What a variable does to spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The SDK makes none.
    Off,
    /// They are exported in another way than over OTLP, or not at all.
    OtherExporter,
    /// They are exported to somewhere else.
    Elsewhere,
    /// All or some are dropped.
    Sampled,
    /// W3C's context is not taken up.
    OtherContext,
}

impl Effect {
    /// What it does, as the end of a sentence about a variable.
    pub fn words(self) -> &'static str {
        match self {
            Effect::Off => "switches its SDK off",
            Effect::OtherExporter => "exports nothing over OTLP",
            Effect::Elsewhere => "sends its spans elsewhere",
            Effect::Sampled => "drops its spans",
            Effect::OtherContext => "reads no `traceparent`",
        }
    }
}

impl std::fmt::Display for Setting {
    /// `OTEL_SDK_DISABLED=true (inherited) switches its SDK off`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let origin = if self.is_configured { "set in the configuration" } else { "inherited" };
        write!(f, "{}={} ({origin}) {}", self.name, self.value, self.effect.words())
    }
}

/// The settings that matter among a process' variables, the gravest first. `get` gives a variable's value, and whether it is
/// configured; `receiver`: where the runner takes spans in, if it does.
pub fn settings(get: impl Fn(&str) -> Option<(String, bool)>, receiver: Option<&[SocketAddr]>) -> Vec<Setting> {
    let words =
        |value: &str| -> Vec<String> { value.split(',').map(|word| word.trim().to_ascii_lowercase()).collect() };
    let mut found = Vec::new();
    let mut note = |name: &'static str, effect: Effect, shown: &dyn Fn(&str) -> Option<String>| {
        let Some((value, is_configured)) = get(name).filter(|(value, _)| !value.trim().is_empty()) else {
            return false;
        };
        if let Some(value) = shown(value.trim()) {
            found.push(Setting { name, value, is_configured, effect });
        }
        true
    };
    let as_it_is = |value: &str| Some(value.to_owned());
    note("OTEL_SDK_DISABLED", Effect::Off, &|value| as_it_is(value).filter(|_| value.eq_ignore_ascii_case("true")));
    note("OTEL_TRACES_EXPORTER", Effect::OtherExporter, &|value| {
        as_it_is(value).filter(|_| !words(value).iter().any(|word| word.starts_with("otlp")))
    });
    if let Some(receiver) = receiver {
        let away = |value: &str| away(value, receiver);
        // The one for traces goes before that for all signals.
        let _ = note("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Effect::Elsewhere, &away)
            || note("OTEL_EXPORTER_OTLP_ENDPOINT", Effect::Elsewhere, &away);
    }
    // A sampler that follows the parent keeps what the runner asks for.
    let share = get("OTEL_TRACES_SAMPLER_ARG").map(|(value, _)| value);
    note("OTEL_TRACES_SAMPLER", Effect::Sampled, &|value| match value.to_ascii_lowercase().as_str() {
        "always_off" => as_it_is(value),
        "traceidratio"
            if share.as_deref().and_then(|share| share.trim().parse().ok()).is_some_and(|share: f64| share < 1.0) =>
        {
            Some(format!("{value} {}", share.as_deref().unwrap_or_default().trim()))
        }
        _ => None,
    });
    note("OTEL_PROPAGATORS", Effect::OtherContext, &|value| {
        as_it_is(value).filter(|_| !words(value).iter().any(|word| word == "tracecontext"))
    });
    found
}

/// The service that a process says to be: `OTEL_SERVICE_NAME`, else `service.name` of its resource attributes.
pub fn service_of(get: impl Fn(&str) -> Option<(String, bool)>) -> Option<String> {
    let own = get("OTEL_SERVICE_NAME").map(|(name, _)| name);
    let resource = || {
        let (all, _) = get("OTEL_RESOURCE_ATTRIBUTES")?;
        let pair = all.split(',').filter_map(|pair| pair.split_once('=')).find(|(key, _)| key.trim() == "service.name");
        pair.map(|(_, name)| name.to_owned())
    };
    own.or_else(resource).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Where a URL leads, without what may be secret in it, unless that is the receiver.
fn away(text: &str, receiver: &[SocketAddr]) -> Option<String> {
    // gRPC exporters also take `host:port`.
    let url = url::Url::parse(text).ok().filter(url::Url::has_host);
    let Some(url) = url.or_else(|| url::Url::parse(&format!("http://{text}")).ok()) else {
        return Some("(not a URL)".to_owned());
    };
    let (host, port) = (url.host_str()?, url.port_or_known_default());
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = |at: &SocketAddr| {
        let local = super::same_peer::is_this_machine(bare) || bare.parse() == Ok(at.ip());
        Some(at.port()) == port && (local || at.ip().is_unspecified())
    };
    if receiver.iter().any(is_here) {
        return None;
    }
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{}://{host}{port}", url.scheme()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let get = |name: &str| {
            let at = variables.iter().find(|(own, _)| *own == name)?;
            Some((at.1.to_owned(), true))
        };
        let receiver = ["127.0.0.1:4317".parse().unwrap()];
        settings(get, Some(&receiver)).into_iter().map(|one| (one.name, one.value)).collect()
    }

    #[test]
    fn what_keeps_spans_away_is_found_the_gravest_first() {
        let all = [
            ("OTEL_PROPAGATORS", "b3, baggage"),
            ("OTEL_TRACES_SAMPLER", "always_off"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:secret@collector:4317/path?token=x"),
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_SDK_DISABLED", "TRUE"),
        ];
        let shown: Vec<String> = found(&all).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            shown,
            [
                "OTEL_SDK_DISABLED=TRUE",
                "OTEL_TRACES_EXPORTER=console",
                "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317",
                "OTEL_TRACES_SAMPLER=always_off",
                "OTEL_PROPAGATORS=b3, baggage",
            ]
        );
        let ratio = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.1")];
        assert_eq!(found(&ratio), [("OTEL_TRACES_SAMPLER", "traceidratio 0.1".to_owned())]);
    }

    #[test]
    fn what_keeps_nothing_away_is_no_cause() {
        for (name, value) in [
            ("OTEL_SDK_DISABLED", "false"),
            ("OTEL_TRACES_EXPORTER", "otlp,console"),
            ("OTEL_TRACES_EXPORTER", ""),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4317"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]:4317/"),
            ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_PROPAGATORS", "b3,tracecontext"),
        ] {
            assert_eq!(found(&[(name, value)]), [], "{name}={value}");
        }
    }

    #[test]
    fn the_endpoint_for_traces_goes_before_that_for_all_signals() {
        let (here, away) = ("http://127.0.0.1:4317", "http://127.0.0.1:4319");
        let both = |all, traces| {
            found(&[("OTEL_EXPORTER_OTLP_ENDPOINT", all), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces)])
        };
        assert_eq!(both(away, here), []);
        assert_eq!(both(here, away), [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", away.to_owned())]);
        assert_eq!(found(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "::")])[0].1, "(not a URL)");
        // Without a receiver nobody knows where spans belong.
        let get = |name: &str| (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| (away.to_owned(), false));
        assert_eq!(settings(get, None), []);
    }

    #[test]
    fn a_service_is_named_by_its_own_variable_before_its_resource() {
        let of = |variables: &[(&str, &str)]| {
            service_of(|name| {
                variables.iter().find(|(own, _)| *own == name).map(|(_, value)| ((*value).to_owned(), true))
            })
        };
        let resource = ("OTEL_RESOURCE_ATTRIBUTES", "a=b, service.name = shop ,c=d");
        assert_eq!(of(&[resource]).as_deref(), Some("shop"));
        assert_eq!(of(&[("OTEL_SERVICE_NAME", "till"), resource]).as_deref(), Some("till"));
        assert_eq!(of(&[]), None);
    }
}
