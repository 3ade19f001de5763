#![allow(clippy::unwrap_used)]
use super::*;

fn target(variables: &[(&str, &str)]) -> Option<OtlpTarget> {
    let lookup = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    OtlpTarget::from_otel(lookup).unwrap()
}

#[test]
fn the_endpoint_for_all_signals_gets_the_path_and_that_for_traces_is_used_as_it_is() {
    let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/");
    assert!(target(&[]).is_none());
    assert!(target(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]).is_none());
    assert_eq!(target(&[all]).unwrap().http.url, "http://c:4318/v1/traces");
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x");
    assert_eq!(target(&[all, traces]).unwrap().http.url, "http://t:1/x");
    let grpc = target(&[all, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap();
    assert_eq!((grpc.protocol, grpc.http.url.as_str()), (OtlpProtocol::Grpc, "http://c:4318/"));
}

#[cfg(unix)]
#[test]
fn a_certificate_that_is_a_device_is_refused_rather_than_read_for_ever() {
    let lookup = |name: &str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("https://c:4318".to_owned()),
        "OTEL_EXPORTER_OTLP_CERTIFICATE" => Some("/dev/zero".to_owned()),
        _ => None,
    };
    let refused = OtlpTarget::from_otel(lookup).unwrap_err().to_string();
    assert!(refused.contains("OTEL_EXPORTER_OTLP_CERTIFICATE") && refused.contains("a device"), "{refused}");
}

#[test]
fn headers_timeout_and_protocol_are_read_and_nonsense_is_refused() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-a=1, x-b=%20two");
    let timeout = ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500");
    let protocol = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json");
    let made = target(&[endpoint, headers, timeout, protocol]).unwrap();
    let told: Vec<_> = made.http.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(told, [("x-a", "1"), ("x-b", " two")]);
    assert_eq!((made.http.timeout, made.protocol), (Duration::from_millis(1500), OtlpProtocol::HttpJson));
    let odd = |name: &str| (name == "OTEL_EXPORTER_OTLP_PROTOCOL").then(|| "carrier pigeon".to_owned());
    assert!(OtlpTarget::from_otel(odd).unwrap_err().to_string().contains("carrier pigeon"));
}

#[test]
fn a_failed_request_is_an_error_span_and_no_password_of_its_url_is_told() {
    let own = OwnSpan {
        trace_id: TraceId::new(1).unwrap(),
        span_id: SpanId::new(2).unwrap(),
        start_ns: 3,
        end_ns: 4,
        test: "checkout".into(),
        suite: "shop".into(),
        passed: None,
        sent: Sent::Http {
            method: "POST".into(),
            url: "http://user:hunter2@[::1]/orders?x=1".into(),
            status: Some(503),
            error: None,
        },
    };
    let made = span(&own);
    let told = format!("{:?}", made.attributes);
    assert!(!told.contains("hunter2") && !told.contains("result.status"), "{told}");
    let port = pair("server.port", Value::IntValue(80));
    for expected in [text("server.address", "::1"), port, text("error.type", "503")] {
        assert!(made.attributes.contains(&expected), "{expected:?} in {told}");
    }
    assert_eq!((made.name.as_str(), made.status.unwrap().code), ("POST", StatusCode::Error as i32));
}
