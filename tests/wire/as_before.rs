//! What a faster reader reads is what the slow one read, byte for byte of an account of it: on every recorded answer and on 10,000
//! generated documents, half of them damaged.
//!
//! `as_before.txt` was written by the readers of commit 66da37f, the last before they were rewritten for speed, under this very file.
//! Where a reader is meant to read something else than before, `BLESS=1` writes it anew: then look at what has changed, and say why.

use super::canon::canon;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use traces::{Format, Options, System, damage};
use tracespec::trace::{Injected, SpanId, TraceBuilder, TraceId};
use tracespec::wire::{Sink, detect};

/// All that a sink is told.
#[derive(Default)]
struct Told {
    builders: BTreeMap<TraceId, TraceBuilder>,
    invalid: Vec<Option<TraceId>>,
    injected: Vec<(TraceId, SpanId)>,
}

impl Sink for Told {
    fn builder(&mut self, id: TraceId) -> &mut TraceBuilder {
        self.builders.entry(id).or_default()
    }
    fn invalid_span(&mut self, trace: Option<TraceId>) {
        self.invalid.push(trace);
    }
    fn injected(&mut self, trace: TraceId, span: SpanId) {
        self.injected.push((trace, span));
    }
}

/// What was read of a document, as text: its spans with all that they say and what the traces note, or why it is refused.
fn account(bytes: &[u8]) -> String {
    let mut told = Told::default();
    let mut text = match detect::read(bytes, &mut told) {
        // What a document brought before it was refused is nobody's.
        Err(error) => return format!("refused: {error}\n"),
        Ok(read) => format!("{read:?}\n"),
    };
    told.invalid.sort_unstable();
    told.injected.sort_unstable();
    let _ = writeln!(text, "{:?} {:?}", told.invalid, told.injected);
    for (id, builder) in &told.builders {
        let trace = builder.build(*id, &[], &Injected::Unknown);
        let tree = trace.tree();
        let _ = writeln!(text, "{id} {:?} {:?} {:?}", tree.roots(), tree.orphans(), trace.partial());
        for note in trace.notes() {
            let _ = writeln!(text, "{note:?}");
        }
        for span in canon(&trace) {
            let _ = writeln!(text, "{span:?}");
        }
        for span in trace.spans() {
            let untyped = span.attributes().filter(|(_, value)| match value {
                tracespec::trace::Value::Str(sym) => trace.is_untyped(*sym),
                _ => false,
            });
            let _ = writeln!(text, "{:?} {} {:?}", span.told_times(), untyped.count(), span.dropped());
        }
    }
    text
}

/// FNV-1a: the same everywhere and for good.
fn digest(text: &str, from: u64) -> u64 {
    text.bytes().fold(from, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|at| at == "json" || at == "pb") {
            found.push(path);
        }
    }
}

/// A document, the same for the same number: of some format, a few spans in one to two traces, half of them damaged.
fn document(number: u64) -> Vec<u8> {
    let mut rng = Rng::with_seed(number);
    let options =
        Options { seed: number, services: rng.usize(1..8), spans: rng.usize(1..6), errors: 0.2, ..Options::default() };
    let system = System::new(&options);
    let format = Format::ALL[number as usize % Format::ALL.len()];
    let mut bytes = traces::write(format, &system, (0..rng.u64(1..3)).map(|number| system.trace(number)));
    let is_text = std::str::from_utf8(&bytes).is_ok_and(|text| text.starts_with(['{', '[']));
    for _ in 0..if rng.bool() { rng.usize(1..4) } else { 0 } {
        let at = rng.usize(..bytes.len().max(1));
        match rng.u8(..8) {
            _ if bytes.is_empty() => {}
            _ if is_text => damage(&mut bytes, &mut rng),
            0 => bytes.truncate(at + 1),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, rng.u8(..)),
            _ => bytes[at] = rng.u8(..),
        }
    }
    bytes
}

/// Documents of one line of the file.
const A_LINE: u64 = 100;

fn told() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    files(&root.join("tests/fixtures/captured"), &mut found);
    found.sort();
    let mut text = String::new();
    for path in &found {
        let name = path.strip_prefix(root).unwrap().display();
        let _ = writeln!(text, "{name} {:016x}", digest(&account(&std::fs::read(path).unwrap()), BASIS));
    }
    for first in (0..10_000).step_by(A_LINE as usize) {
        let all = (first..first + A_LINE).fold(BASIS, |hash, number| digest(&account(&document(number)), hash));
        let _ = writeln!(text, "documents from {first} {all:016x}");
    }
    text
}

#[test]
fn every_document_is_read_as_it_was_before_reading_was_fast() {
    let (path, told) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/as_before.txt"), told());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &told).unwrap();
    }
    let before = std::fs::read_to_string(&path).unwrap();
    let other: Vec<&str> = told.lines().filter(|line| !before.lines().any(|at| at == *line)).collect();
    assert!(before.lines().count() == told.lines().count() && other.is_empty(), "read otherwise: {other:#?}");
    assert!(told.lines().count() > 120);
}

#[test]
fn generated_documents_are_both_taken_and_refused() {
    let accounts: Vec<String> = (0..500).map(|number| account(&document(number))).collect();
    let refused = accounts.iter().filter(|text| text.starts_with("refused")).count();
    assert!((50..250).contains(&refused), "{refused} of 500 are refused");
    let empty = accounts.iter().filter(|text| text.lines().count() == 2).count();
    assert!(empty < 25, "{empty} of 500 say nothing");
}
