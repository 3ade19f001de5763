//! The one place between a run and its reporters: adds the time, takes out secrets, hands each event to all of them.

use super::redacted::Redacted;
use super::{Needs, Reporter, failure, hidden};
use crate::redact::Redactor;
use crate::run::event::{Event, Listener, What};
use crate::run::record::TestRecord;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Hands what happens to reporters, one event at a time.
pub struct Fanout {
    redactor: Arc<Redactor>,
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    outputs: Mutex<Vec<Output>>,
}

/// A reporter, and whether anybody relies on what it writes.
pub struct Output {
    reporter: Box<dyn Reporter>,
    /// Its name in an error; `None` where a failure to write does no harm.
    name: Option<String>,
    failure: Option<io::Error>,
}

impl Output {
    /// Output for people: a terminal that is gone is not an error.
    pub fn for_people(reporter: impl Reporter + 'static) -> Output {
        Output { reporter: Box::new(reporter), name: None, failure: None }
    }
    /// A report that was asked for; what keeps it from being written is an error.
    pub fn report(name: impl Into<String>, reporter: impl Reporter + 'static) -> Output {
        Output { reporter: Box::new(reporter), name: Some(name.into()), failure: None }
    }
}

impl Fanout {
    /// Hands events to these. `clock` gives Unix nanoseconds.
    pub fn new(
        redactor: Arc<Redactor>,
        clock: impl Fn() -> u64 + Send + Sync + 'static,
        outputs: Vec<Output>,
    ) -> Arc<Fanout> {
        Arc::new(Fanout { redactor, clock: Box::new(clock), outputs: Mutex::new(outputs) })
    }

    /// The listener to give to a session.
    pub fn listener(self: &Arc<Self>) -> Listener {
        let fanout = Arc::clone(self);
        Box::new(move |what| fanout.hear(what))
    }

    /// Hands on what happened.
    pub fn hear(&self, what: &What<'_>) {
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        hidden::learn(what, &self.redactor);
        let at_ns = (self.clock)();
        let mut hand = |what: &What<'_>| {
            let needs = |output: &Output| match output.failure {
                None => output.reporter.needs(what),
                Some(_) => Needs::Nothing,
            };
            let most = outputs.iter().map(needs).max().unwrap_or(Needs::Nothing);
            if most == Needs::Nothing {
                return;
            }
            let mut open: Vec<&mut Output> =
                outputs.iter_mut().filter(|output| needs(output) > Needs::Nothing).collect();
            Redacted::new(&self.redactor, most).hand(what, &mut |what| {
                let event = Event { at_ns, what };
                open.iter_mut().for_each(|output| output.hear(&event));
            });
        };
        for warning in self.redactor.too_short() {
            hand(&What::Warning(&warning));
        }
        hand(what);
    }

    /// Lets reporters draw anew what changes with time.
    pub fn tick(&self) {
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let at_ns = (self.clock)();
        for output in outputs.iter_mut().filter(|output| output.failure.is_none()) {
            output.failure = output.reporter.tick(at_ns).err();
        }
    }

    /// What is worth knowing of a test that did not pass, for who shows it elsewhere.
    pub fn failure(&self, test: &TestRecord) -> String {
        hidden::learn(&What::TestFinished(test), &self.redactor);
        let mut text = String::new();
        Redacted::new(&self.redactor, Needs::Everything).hand(&What::TestFinished(test), &mut |what| {
            if let What::TestFinished(test) = what {
                text = failure::render(test, failure::Look::default());
            }
        });
        text
    }

    /// A text without secrets.
    pub fn text(&self, text: &str) -> String {
        self.redactor.text(text).into_owned()
    }

    /// The reports that could not be written, each with the reason.
    pub fn failures(&self) -> Vec<String> {
        let outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |output: &Output| {
            let (name, why) = (output.name.as_ref()?, output.failure.as_ref()?);
            Some(self.redactor.text(&format!("cannot write the report {name}: {why}")).into_owned())
        };
        outputs.iter().filter_map(failed).collect()
    }
}

impl Output {
    fn hear(&mut self, event: &Event<'_>) {
        if self.failure.is_none() {
            self.failure = self.reporter.event(event).err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;

    struct Keeps(Arc<Mutex<Vec<String>>>);

    impl Reporter for Keeps {
        fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(format!("{} {:?}", event.at_ns, event.what));
            if kept.len() > 1 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        }
    }

    #[test]
    fn every_reporter_hears_every_event_with_its_time_and_without_secrets() {
        let redactor = Arc::new(Redactor::default());
        redactor.learn(&Secret::new("hush-hush"));
        let kept: [Arc<Mutex<Vec<String>>>; 2] = Default::default();
        let outputs = kept.iter().map(|kept| Output::for_people(Keeps(Arc::clone(kept)))).collect();
        Fanout::new(redactor, || 7, outputs).hear(&What::Warning("no hush-hush here"));
        for kept in kept {
            let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            assert_eq!(*kept, ["7 Warning(\"no *** here\")"]);
        }
    }

    #[test]
    fn an_error_of_the_run_is_shown_without_secrets() {
        let redactor = Arc::new(Redactor::default());
        redactor.learn(&Secret::new("hush-hush"));
        assert_eq!(Fanout::new(redactor, || 7, Vec::new()).text("no hush-hush here"), "no *** here");
    }

    #[test]
    fn a_report_that_cannot_be_written_is_named_once_and_not_written_further() {
        let kept: Arc<Mutex<Vec<String>>> = Arc::default();
        let output = Output::report("json=out.json", Keeps(Arc::clone(&kept)));
        let fanout = Fanout::new(Arc::default(), || 0, vec![output]);
        (0..4).for_each(|_| fanout.hear(&What::Warning("x")));
        assert_eq!(kept.lock().unwrap_or_else(PoisonError::into_inner).len(), 2);
        let failures = fanout.failures();
        assert_eq!(failures.len(), 1);
        assert!(failures[0].starts_with("cannot write the report json=out.json: "), "{failures:?}");
    }
}
