#![allow(clippy::unwrap_used)]
use super::*;

fn line(trace: u32, span: u32, link: Option<u32>) -> String {
    let links = link.map_or_else(String::new, |to| format!(r#","links":[{{"traceId":"{to:032x}","spanId":"1"}}]"#));
    let span = format!(r#"{{"traceId":"{trace:032x}","spanId":"{span:016x}"{links}}}"#);
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#)
}

fn id(trace: u128) -> TraceId {
    TraceId::new(trace).unwrap()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn a_trace_may_be_spread_over_the_files_of_a_folder() {
    let legacy = r#"{"data":[{"traceID":"2","spans":[{"spanID":"9"}]}]}"#;
    let rotated = format!("{}\n{}\n", line(1, 1, None), line(2, 1, None));
    let folder = folder(&[
        ("b.json", legacy),
        ("a.jsonl", &rotated),
        ("a-2.jsonl", &line(1, 2, None)),
        ("empty.json", ""),
        ("README.md", "# Traces"),
        (".hidden", "x"),
    ]);
    std::fs::create_dir_all(folder.path().join("sub/deeper")).unwrap();
    std::fs::write(folder.path().join("sub/deeper/c.json"), line(2, 3, None)).unwrap();
    let saved = load(folder.path()).unwrap();
    assert_eq!(saved.ids(), [id(1), id(2)]);
    let read: Vec<(Format, usize)> = saved.files().iter().map(|file| (file.format, file.added.spans)).collect();
    assert_eq!(
        read,
        [
            (Format::OtlpJson, 1),
            (Format::OtlpJson, 2),
            (Format::JaegerJson, 1),
            (Format::Empty, 0),
            (Format::OtlpJson, 1)
        ]
    );
    let spans = |trace| saved.trace(id(trace), &[], &Injected::Unknown).map(|trace| trace.len());
    assert_eq!((spans(1), spans(2), spans(3)), (Some(2), Some(3), None));
}

#[test]
fn a_folder_too_deep_to_be_looked_into_is_no_folder_without_traces() {
    let folder = folder(&[("a.json", &line(1, 1, None))]);
    std::fs::create_dir_all(folder.path().join("1/2/3/4/5/6/7/8")).unwrap();
    assert!(load(folder.path()).is_ok());
    std::fs::create_dir(folder.path().join("1/2/3/4/5/6/7/8/9")).unwrap();
    assert!(load(folder.path()).unwrap_err().to_string().contains("nested deeper"));
}

#[test]
fn linked_traces_are_merged_as_far_as_they_are_there() {
    let folder = folder(&[("a.jsonl", &[line(1, 1, None), line(2, 7, Some(1)), line(3, 8, None)].join("\n"))]);
    let saved = load(&folder.path().join("a.jsonl")).unwrap();
    assert_eq!((saved.linking_to(id(1)), saved.linking_to(id(2))), (vec![id(2)], vec![]));
    assert_eq!(saved.collected(id(2)).map(TraceBuilder::len), Some(1));
    let trace = saved.trace(id(1), &[id(2), id(9)], &Injected::Unknown).unwrap();
    assert_eq!(trace.spans().map(|span| span.trace_id()).collect::<Vec<_>>(), [id(1), id(2)]);
    assert!(trace.notes().iter().all(|note| !matches!(note, crate::trace::Note::ForeignSpans { .. })));
    let mut again = TraceBuilder::new();
    detect::read(crate::wire::write::otlp_json(&trace).as_bytes(), &mut again).unwrap();
    let again = again.build(id(1), &[id(2)], &Injected::Unknown);
    assert_eq!(again.spans().map(|span| span.trace_id()).collect::<Vec<_>>(), [id(1), id(2)]);
}

#[test]
fn errors_name_the_file_and_what_is_wrong_with_it() {
    let folder = folder(&[("good.json", &line(1, 1, None)), ("odd.json", "not a trace")]);
    let error = load(folder.path()).unwrap_err();
    assert!(matches!(&error, FileError::Wire { path, .. } if path.ends_with("odd.json")));
    assert!(error.to_string().contains("odd.json") && error.to_string().contains("expected OTLP JSON"), "{error}");
    let missing = load(&folder.path().join("gone.json")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read ") && missing.to_string().contains("gone.json"));
    let large = load_bounded(&folder.path().join("good.json"), 10).unwrap_err();
    assert!(matches!(&large, FileError::TooLarge { most: 10, .. }), "{large}");
}

#[test]
fn the_limit_counts_all_files_together_and_what_gzip_grows_to() {
    let text = line(1, 1, None);
    let folder = folder(&[("a.json", &text), ("b.json", &text)]);
    let both = text.len() as u64 * 2;
    assert!(load_bounded(folder.path(), both).is_ok());
    assert!(
        matches!(load_bounded(folder.path(), both - 1), Err(FileError::TooLarge { path, .. }) if path.ends_with("b.json"))
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, " ".repeat(100_000).as_bytes()).unwrap();
    let packed = folder.path().join("c.json.gz");
    std::fs::write(&packed, gzip.finish().unwrap()).unwrap();
    assert!(matches!(load_bounded(&packed, 50_000), Err(FileError::TooLarge { .. })));
}

#[cfg(unix)]
#[test]
fn a_pipe_a_device_or_a_link_to_nothing_is_refused_by_name_and_never_waited_for() {
    let folder = folder(&[("a.json", &line(1, 1, None))]);
    let [pipe, zero, nothing] = ["b.json", "c.json", "d.json"].map(|name| folder.path().join(name));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, target) in [(&zero, "/dev/zero"), (&nothing, "/nowhere/at/all")] {
        std::os::unix::fs::symlink(target, path).unwrap();
    }
    for (path, what) in [(pipe, "a pipe"), (zero, "a device"), (nothing, "No such file")] {
        let inside = load(folder.path()).unwrap_err().to_string();
        let alone = load(&path).unwrap_err().to_string();
        for said in [inside, alone] {
            assert!(said.contains(what) && said.contains(path.file_name().unwrap().to_str().unwrap()), "{said}");
        }
        std::fs::remove_file(path).unwrap();
    }
    assert!(load(folder.path()).is_ok());
}

#[test]
fn records_without_usable_ids_are_a_loss_of_their_trace_or_of_every_trace_where_none_is_known() {
    let bad_span = line(1, 1, None).replace(&format!(r#""spanId":"{:016x}""#, 1), r#""spanId":"span-7""#);
    let bad_trace = line(2, 5, None).replace(&format!("{:032x}", 2), "trace-2");
    let lossy = |saved: &SavedTraces, trace| {
        let trace = saved.trace(id(trace), &[], &Injected::Unknown).unwrap();
        trace.notes().iter().find_map(|note| match note {
            crate::trace::Note::InvalidIds { spans } if note.is_loss() => Some(*spans),
            _ => None,
        })
    };
    let whole = [line(1, 1, None), line(2, 1, None)].join("\n");
    for (odd, expected) in [("", [None, None]), (&bad_span, [Some(1), None]), (&bad_trace, [Some(1), Some(1)])] {
        let folder = folder(&[("a.jsonl", &format!("{whole}\n{odd}"))]);
        let saved = load(folder.path()).unwrap();
        assert_eq!([lossy(&saved, 1), lossy(&saved, 2)], expected, "{odd}");
        assert_eq!(saved.invalid_spans(), usize::from(!odd.is_empty()));
        assert_eq!(saved.ids(), [id(1), id(2)]);
    }
}

#[test]
fn spans_with_half_of_a_trace_id_are_said_to_be_lost_of_the_whole_one() {
    let whole = 1 << 64 | 2;
    let own = line(1, 1, None).replace(&format!("{:032x}", 1), &format!("{whole:032x}"));
    let folder = folder(&[("a.jsonl", &[own, line(2, 7, None)].join("\n"))]);
    let saved = load(folder.path()).unwrap();
    let trace = saved.trace(id(whole), &[], &Injected::Unknown).unwrap();
    assert_eq!(
        (trace.len(), trace.notes().iter().filter(|note| note.is_loss()).count()),
        (1, 2),
        "{:?}",
        trace.notes()
    );
    assert_eq!(saved.with_halves(id(whole)).unwrap().len(), 2);
    assert_eq!(saved.with_halves(id(2)).unwrap().len(), 1);
}
