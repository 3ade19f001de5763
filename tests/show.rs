//! `tracespec show` and `query` as a person or a pipeline meets them. The traces are orders of the demo shop, one of each fault, saved once.
//! `BLESS=1 cargo test --test show` writes the pictures anew; look at them before you commit them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, dead_code, unreachable_pub, missing_docs)]

#[path = "support/tracespec.rs"]
mod tracespec;

use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const ORDERS: [&str; 10] = [
    "none",
    "n_plus_one",
    "slow_payment",
    "declined",
    "swallowed_error",
    "sequential",
    "reserve_before_charge",
    "missing_service",
    "lost_context",
    "extra_retry",
];

fn order(name: &str) -> String {
    format!("{}/tests/fixtures/orders/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

/// Exit code, standard output, standard error.
fn tracespec(arguments: &[&str]) -> (i32, String, String) {
    tracespec_in(Path::new("/"), arguments, "")
}

fn tracespec_in(folder: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = tracespec::command();
    command.current_dir(folder).args(arguments).env_remove("COLUMNS").env_remove("CI");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may not read it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn shown(arguments: &[&str]) -> String {
    let (code, stdout, stderr) = tracespec(arguments);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stderr, "");
    stdout
}

#[track_caller]
fn refused(arguments: &[&str], code: i32, says: &[&str]) {
    let (got, stdout, stderr) = tracespec(arguments);
    assert_eq!((got, stdout.as_str()), (code, ""), "{stderr}");
    for part in says {
        assert!(stderr.contains(part), "`{part}` is not in:\n{stderr}");
    }
}

fn keeps(path: &str, got: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/show").join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, got).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    (expected != got).then(|| format!("{}:\n{got}", path.display()))
}

#[test]
fn an_order_with_each_fault_is_drawn_as_before() {
    let mut changed = Vec::new();
    for name in ORDERS {
        let mut pictures = String::new();
        for width in ["60", "100", "160"] {
            let plain = shown(&["show", &order(name), "--width", width]);
            assert!(!plain.contains('\u{1b}'), "{plain}");
            let widest = plain.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= width.parse().unwrap(), "{widest} columns of {width}:\n{plain}");
            let coloured = shown(&["show", &order(name), "--width", width, "--color", "always"]);
            assert_eq!(without_colour(&coloured), plain);
            if width == "100" {
                changed.extend(keeps(&format!("{name}.colour.txt"), &coloured));
            }
            pictures += &format!("{plain}\n");
        }
        changed.extend(keeps(&format!("{name}.txt"), &pictures));
    }
    assert!(changed.is_empty(), "{} changed:\n{}", changed.len(), changed.join("\n"));
}

fn without_colour(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once('m').unwrap().1)
}

#[test]
fn the_rows_can_be_chosen() {
    let file = order("n_plus_one");
    let pictures = [
        ["--depth", "3"].as_slice(),
        &["--service", "payment-service"],
        &["--around", "charge-card"],
        &["--around", "{ kind = server && resource.service.name = \"inventory-service\" }"],
        &["--no-fold"],
        &["-v", "--service", "api-gateway"],
        &["--span", "charge-card"],
    ];
    let drawn = pictures.map(|flags| {
        let head = format!("$ show n_plus_one.json {}\n", flags.join(" "));
        head + &shown(&[["show", &file, "--width", "100"].as_slice(), flags].concat())
    });
    let changed = keeps("chosen.txt", &drawn.join("\n"));
    assert!(changed.is_none(), "{}", changed.unwrap());
}

#[test]
fn other_tools_read_what_it_writes() {
    let file = order("none");
    let json: Value = serde_json::from_str(&shown(&["show", &file, "--format", "json"])).unwrap();
    assert_eq!(json["schema"], "tracespec/show/1");
    let rows = json["rows"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["offset_ns"].is_u64() && row["self_ns"].is_u64()), "{json:#}");
    assert_eq!(json["span_count"], 19);
    // What it writes as OTLP it reads again, from standard input too.
    let otlp = shown(&["show", &file, "--format", "otlp"]);
    let (code, again, said) = tracespec_in(Path::new("/"), &["show", "-", "--format", "json"], &otlp);
    assert_eq!(code, 0, "{said}");
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap()["rows"], json["rows"]);
    let chrome: Value = serde_json::from_str(&shown(&["show", &file, "--format", "chrome"])).unwrap();
    let events = chrome["traceEvents"].as_array().unwrap();
    let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
    assert_eq!((of("X"), of("s"), of("s") == of("f")), (19, of("f"), true));
    // The rules of the trace event format: where an event is, when, and that an arrow ends behind its beginning and on a slice.
    let number = |event: &Value, key: &str| event[key].as_f64().unwrap_or(-1.0);
    for event in events {
        let phase = event["ph"].as_str().unwrap();
        assert!(event["pid"].is_u64() && event["tid"].is_u64() && event["name"].is_string(), "{event}");
        match phase {
            "M" => assert!(event["args"].is_object(), "{event}"),
            "X" => assert!(number(event, "ts") >= 0.0 && number(event, "dur") >= 0.0, "{event}"),
            "s" | "f" => {
                let on_a_slice = events.iter().filter(|slice| slice["ph"] == "X").any(|slice| {
                    let (from, length) = (number(slice, "ts"), number(slice, "dur"));
                    slice["pid"] == event["pid"]
                        && slice["tid"] == event["tid"]
                        && (from..=from + length).contains(&number(event, "ts"))
                });
                let other = events.iter().find(|at| at["id"] == event["id"] && at["ph"] != event["ph"]).unwrap();
                let in_order = phase == "f" || number(event, "ts") <= number(other, "ts");
                assert!(on_a_slice && in_order, "{event}");
            }
            other => panic!("{other}: {event}"),
        }
    }
    let named = events.iter().filter(|event| event["name"] == "process_name");
    assert_eq!(named.count(), json["services"].as_array().unwrap().len());
    let svg = shown(&["show", &file, "--format", "svg"]);
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("prefers-color-scheme:dark") && !svg.contains("http://127") && !svg.contains("<script"));
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let file = order("none");
    refused(&["show", "nowhere.json"], 4, &["there is no file nowhere.json"]);
    refused(
        &["show", "some-test"],
        4,
        &["`some-test` is neither a file, nor a trace id", "nor a test of the last run"],
    );
    refused(&["show", "abcdef"], 4, &["the configuration names no backend"]);
    refused(&["show", "last"], 4, &["no run has kept traces", "--no-history"]);
    refused(&["show", &file, "--span", "1234"], 2, &["has no span 0000000000001234", "-v shows the ids"]);
    refused(&["show", &file, "--span", "nothing"], 2, &["has no span `nothing`"]);
    refused(&["show", &file, "--service", "nobody"], 2, &["has no service `nobody`; it has `api-gateway`"]);
    refused(&["show", &file, "--around", "nothing"], 2, &["`--around nothing` selects no span"]);
    refused(&["show", &file, "--around", "{ name = }"], 2, &["error[", "--around:1"]);
    refused(&["show", &file, "--service", "a", "--around", "b"], 2, &["cannot be used with"]);
    refused(&["show", &file, "--width", "10"], 2, &["10 is not in 40..=1000"]);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("text.json"), "hello").unwrap();
    std::fs::write(at("metrics.json"), r#"{"resourceMetrics":[{"resource":{},"scopeMetrics":[]}]}"#).unwrap();
    refused(&["show", &at("metrics.json")], 4, &["metrics.json holds no trace, but 1 document of metrics or logs"]);
    let span = |id: &str| {
        format!(
            r#"{{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"{id}","startTimeUnixNano":"1","endTimeUnixNano":"2"}}"#
        )
    };
    let spans = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{},{}]}}]}}]}}"#,
        span("b7ad6b7169203331"),
        span("no")
    );
    std::fs::write(at("left-out.json"), spans).unwrap();
    let drawn = shown(&["show", &at("left-out.json")]);
    assert!(drawn.contains("left out: 1 span record without usable ids"), "{drawn}");
    refused(&["show", &at("text.json")], 4, &["text.json holds no traces that can be read"]);
    let both = [std::fs::read_to_string(order("none")).unwrap(), std::fs::read_to_string(order("declined")).unwrap()];
    std::fs::write(at("both.json"), both.join("\n")).unwrap();
    refused(
        &["show", &at("both.json")],
        2,
        &["2 traces; choose one with --id:", " 19 spans  api-gateway  POST /orders"],
    );
    let id = "9bd16c198af6aef5711eca3662d29339";
    assert!(shown(&["show", &at("both.json"), "--id", id]).contains(id));
    refused(&["show", &at("both.json"), "--id", "1"], 2, &["has no trace 00000000000000000000000000000001"]);
}

#[test]
fn a_query_shows_its_spans_in_their_tree_with_what_it_names() {
    let file = order("swallowed_error");
    let got = shown(&["query", "{ status = error } | select(span.rpc.method, resource.host.name)", &file]);
    let changed = keeps("query.txt", &got);
    assert!(changed.is_none(), "{}", changed.unwrap());
}
