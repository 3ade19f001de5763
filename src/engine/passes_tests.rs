#![allow(clippy::unwrap_used)]
use super::*;
use crate::source::SourceFile;
use crate::trace::{Injected, TraceBuilder};
use crate::wire::detect;

fn trace(id: u128) -> Arc<Trace> {
    let text = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{id:032x}","spanId":"00000000000000a1","name":"GET /",
        "startTimeUnixNano":"1000","endTimeUnixNano":"2000"}}]}}]}}]}}"#
    );
    let mut builder = TraceBuilder::new();
    detect::read(text.as_bytes(), &mut builder).unwrap();
    Arc::new(builder.build(TraceId::from_bytes(&id.to_be_bytes()).unwrap(), &[], &Injected::Known(Vec::new())))
}

#[test]
fn a_step_that_is_decided_early_keeps_the_trace_of_its_last_whole_pass() {
    let folder = tempfile::tempdir().unwrap();
    let redactor = Arc::new(Redactor::default());
    let passes = Passes::new(folder.path(), folder.path(), Arc::clone(&redactor), || 7);
    let pass = |number: u64, traces: &[Option<Arc<Trace>>]| {
        let mut test = TestRecord::new("orders", &SourceFile::new(folder.path().join("a.yaml"), ""), 0);
        test.verdict = Verdict::Pass;
        for trace in traces {
            let mut step = StepRecord::new("");
            step.settled = trace.is_some();
            step.trace.clone_from(trace);
            test.steps.push(step);
        }
        let mut record = RunRecord { started_ns: number, ..RunRecord::default() };
        record.tests.push(test);
        let written = super::super::history::keep(&record, folder.path(), folder.path(), &redactor).unwrap();
        passes.keep(&record, &written).unwrap();
    };
    let kept = |position| {
        let file = folder.path().join("a.yaml");
        let step = StepName { file: &file, test: "orders", position, step: "" };
        let since = passes.since(&step, &trace(9)).unwrap().map(|since| (since.trace_id, since.trace));
        since.map(|(id, trace)| {
            assert_eq!(trace.unwrap().id(), id);
            u128::from_be_bytes(id.to_bytes())
        })
    };
    pass(1, &[Some(trace(1)), Some(trace(2)), Some(trace(3))]);
    assert_eq!([kept(0), kept(1), kept(2)], [Some(1), Some(2), Some(3)]);
    pass(2, &[Some(trace(4)), None, Some(trace(6))]);
    assert_eq!([kept(0), kept(1), kept(2)], [Some(4), Some(2), Some(6)]);
    // Steps that the test has no longer.
    pass(3, &[None, Some(trace(5))]);
    assert_eq!([kept(0), kept(1), kept(2)], [Some(4), Some(5), None]);
}
