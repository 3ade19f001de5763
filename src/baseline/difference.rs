//! One difference between what is known of traces and a trace, and how it is said.

use super::key::Key;
use super::path::{PathIx, Paths};
use super::shape::Range;
use crate::matcher::count_of;
use crate::trace::Kind;
use std::fmt::Write as _;
use std::sync::Arc;

/// So many keys of a long path are kept, from its end.
const MOST_KEYS: usize = 24;

/// Where in a trace something is: keys from the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The keys, the root first; of a very long path only the last ones.
    pub keys: Vec<Key>,
    /// How many keys at the beginning are left out.
    pub elided: u32,
}

impl Place {
    /// The place of a path.
    pub fn of(paths: &Paths, ix: PathIx) -> Place {
        let mut keys: Vec<Key> = paths.upwards(ix).take(MOST_KEYS).map(|at| paths.key(at).clone()).collect();
        keys.reverse();
        let elided = paths.depth(ix) + 1 - keys.len() as u32;
        Place { keys, elided }
    }
    /// The same with each text as `text` has it.
    pub fn with_texts(&self, text: &dyn Fn(&str) -> String) -> Place {
        let Place { keys, elided } = self;
        Place { keys: keys.iter().map(|key| key.with_texts(text)).collect(), elided: *elided }
    }
    /// The last key.
    pub fn last(&self) -> Option<&Key> {
        self.keys.last()
    }
    /// The key above the last one.
    pub fn above(&self) -> Option<&Key> {
        self.keys.len().checked_sub(2).and_then(|at| self.keys.get(at))
    }
    /// `api-gateway POST /orders > order-service POST /orders`
    pub fn text(&self) -> String {
        let mut out = if self.elided > 0 { "… > ".to_owned() } else { String::new() };
        for (at, key) in self.keys.iter().enumerate() {
            let _ = write!(out, "{}{key}", if at > 0 { " > " } else { "" });
        }
        out
    }
}

/// What is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A service that was in every trace is in none.
    LostService {
        /// Which.
        service: Arc<str>,
    },
    /// A service that was in no trace.
    NewService {
        /// Which.
        service: Arc<str>,
    },
    /// Calls from one service to another that were in every trace.
    LostEdge {
        /// The caller.
        from: Arc<str>,
        /// The callee.
        to: Arc<str>,
    },
    /// Calls from one service to another that were in no trace.
    NewEdge {
        /// The caller.
        from: Arc<str>,
        /// The callee.
        to: Arc<str>,
    },
    /// A path that was in every trace.
    MissingPath,
    /// A path that was in no trace.
    NewPath,
    /// Spans below which there were always some, and below which there are none.
    BecameLeaf,
    /// More or fewer spans than there ever were.
    Count {
        /// So many there were.
        baseline: Range,
        /// So many there are.
        candidate: Range,
        /// Whether they are counted below each span of the path above.
        per_parent: bool,
    },
    /// More than twice as many spans as there ever were.
    Grew {
        /// So many there were.
        baseline: Range,
        /// So many there are.
        candidate: Range,
        /// Whether they are counted below each span of the path above.
        per_parent: bool,
    },
    /// Spans that hang elsewhere.
    Reparented {
        /// Where they are now.
        to: Place,
    },
    /// Spans of another name with the same below them.
    Renamed {
        /// The key that they have now.
        to: Key,
    },
    /// Spans of another kind.
    KindChanged {
        /// The kind that they have now.
        to: Kind,
    },
    /// Spans that never failed, and fail.
    BecameError {
        /// How many failed.
        errors: Range,
        /// Of how many.
        count: Range,
        /// Whether there were none before.
        is_new: bool,
    },
    /// Spans of which some failed in every trace, and none fails.
    Recovered,
    /// What always came before others does not.
    OrderChanged {
        /// The others, below the same parent.
        with: Vec<Key>,
        /// Whether the path itself came first before; otherwise the others did.
        was_first: bool,
    },
    /// What always ran at the same time as others, or as its own like, no longer does.
    Serialised {
        /// The others; empty where it is about spans of the path itself.
        with: Vec<Key>,
    },
    /// What never ran at the same time as others, or as its own like, does.
    Parallelised {
        /// The others; empty where it is about spans of the path itself.
        with: Vec<Key>,
    },
}

/// One difference. Only the shallowest of those that imply each other is reported, but of failures the deepest, since they
/// travel up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What is different.
    pub change: Change,
    /// Where: in the baseline where it is gone, otherwise in the candidate; `None` where no single place is meant.
    pub place: Option<Place>,
    /// How many other paths are different because of it.
    pub implied: usize,
}

impl Change {
    /// The word of reports and of `acks`.
    pub fn word(&self) -> &'static str {
        match self {
            Change::LostService { .. } => "lost_service",
            Change::NewService { .. } => "new_service",
            Change::LostEdge { .. } => "lost_edge",
            Change::NewEdge { .. } => "new_edge",
            Change::MissingPath => "missing_path",
            Change::NewPath => "new_path",
            Change::BecameLeaf => "became_leaf",
            Change::Count { .. } => "count_out_of_range",
            Change::Grew { .. } => "grew",
            Change::Reparented { .. } => "reparented",
            Change::Renamed { .. } => "renamed",
            Change::KindChanged { .. } => "kind_changed",
            Change::BecameError { .. } => "became_error",
            Change::Recovered => "recovered",
            Change::OrderChanged { .. } => "order_changed",
            Change::Serialised { .. } => "serialised",
            Change::Parallelised { .. } => "parallelised",
        }
    }
    /// Whether it says that something is missing, which may only be late.
    pub fn rests_on_absence(&self) -> bool {
        match self {
            Change::LostService { .. }
            | Change::LostEdge { .. }
            | Change::MissingPath
            | Change::BecameLeaf
            | Change::Reparented { .. }
            | Change::Renamed { .. }
            | Change::KindChanged { .. }
            | Change::Recovered => true,
            Change::Count { baseline, candidate, .. } => candidate.min < baseline.min,
            Change::NewService { .. }
            | Change::NewEdge { .. }
            | Change::NewPath
            | Change::Grew { .. }
            | Change::BecameError { .. }
            | Change::OrderChanged { .. }
            | Change::Serialised { .. }
            | Change::Parallelised { .. } => false,
        }
    }
    /// What is worth reading first: what fails, since much may be gone for it, what is gone, then what is more, then other order, then what is new.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Change::BecameError { .. } => 0,
            Change::LostService { .. } => 1,
            Change::LostEdge { .. } => 2,
            Change::BecameLeaf => 3,
            Change::MissingPath => 4,
            Change::Grew { .. } => 5,
            Change::OrderChanged { .. } => 6,
            Change::Serialised { .. } => 7,
            Change::Count { .. } => 8,
            Change::NewService { .. } => 9,
            Change::NewEdge { .. } => 10,
            Change::Reparented { .. } => 11,
            Change::Renamed { .. } => 12,
            Change::KindChanged { .. } => 13,
            Change::NewPath => 14,
            Change::Parallelised { .. } => 15,
            Change::Recovered => 16,
        }
    }
}

impl Change {
    fn with_texts(&self, text: &dyn Fn(&str) -> String) -> Change {
        let shared = |of: &Arc<str>| Arc::from(text(of));
        let keys = |of: &[Key]| of.iter().map(|key| key.with_texts(text)).collect();
        match self {
            Change::LostService { service } => Change::LostService { service: shared(service) },
            Change::NewService { service } => Change::NewService { service: shared(service) },
            Change::LostEdge { from, to } => Change::LostEdge { from: shared(from), to: shared(to) },
            Change::NewEdge { from, to } => Change::NewEdge { from: shared(from), to: shared(to) },
            Change::Reparented { to } => Change::Reparented { to: to.with_texts(text) },
            Change::Renamed { to } => Change::Renamed { to: to.with_texts(text) },
            Change::OrderChanged { with, was_first } => {
                Change::OrderChanged { with: keys(with), was_first: *was_first }
            }
            Change::Serialised { with } => Change::Serialised { with: keys(with) },
            Change::Parallelised { with } => Change::Parallelised { with: keys(with) },
            Change::MissingPath
            | Change::NewPath
            | Change::BecameLeaf
            | Change::Count { .. }
            | Change::Grew { .. }
            | Change::KindChanged { .. }
            | Change::BecameError { .. }
            | Change::Recovered => self.clone(),
        }
    }
}

fn with(keys: &[Key], own: Option<&Key>) -> String {
    let name = |key: &Key| match own {
        Some(own) if own.service == key.service => key.name.to_string(),
        _ => key.to_string(),
    };
    match keys {
        [] => "each other".to_owned(),
        [one] => name(one),
        [one, two] => format!("{} and {}", name(one), name(two)),
        [one, rest @ ..] => format!("{} and {} others", name(one), rest.len()),
    }
}

impl Difference {
    /// The same with each text as `text` has it.
    pub fn with_texts(&self, text: &dyn Fn(&str) -> String) -> Difference {
        let Difference { change, place, implied } = self;
        let place = place.as_ref().map(|place| place.with_texts(text));
        Difference { change: change.with_texts(text), place, implied: *implied }
    }
    /// What it is about in the words of `acks` and of machine-readable reports: a service, `a -> b`, or a path.
    pub fn subject(&self) -> String {
        match &self.change {
            Change::LostService { service } | Change::NewService { service } => service.to_string(),
            Change::LostEdge { from, to } | Change::NewEdge { from, to } => format!("{from} -> {to}"),
            _ => self.place.as_ref().map(Place::text).unwrap_or_default(),
        }
    }
    /// What is equal for the same difference of several traces, whatever its numbers are.
    pub fn identity(&self) -> String {
        let more = match &self.change {
            Change::Reparented { to } => to.text(),
            Change::Renamed { to } => to.to_string(),
            Change::KindChanged { to } => to.word().to_owned(),
            Change::OrderChanged { with, .. } | Change::Serialised { with } | Change::Parallelised { with } => {
                with.iter().map(|key| format!("{} {key}\n", key.kind.word())).collect()
            }
            _ => String::new(),
        };
        let kinds = self.place.iter().flat_map(|place| &place.keys).map(|key| key.kind.word());
        let kinds: Vec<&str> = kinds.collect();
        format!("{}\n{}\n{}\n{more}", self.change.word(), self.subject(), kinds.join(" "))
    }
    /// What the baseline has, in a few words.
    pub fn baseline(&self) -> String {
        let own = || self.place.as_ref().and_then(Place::last);
        match &self.change {
            Change::LostService { .. } | Change::LostEdge { .. } | Change::MissingPath => "always there".to_owned(),
            Change::NewService { .. } | Change::NewEdge { .. } | Change::NewPath => "never there".to_owned(),
            Change::BecameLeaf => "spans below it".to_owned(),
            Change::Count { baseline, per_parent, .. } | Change::Grew { baseline, per_parent, .. } => {
                format!("{baseline}{}", if *per_parent { " a parent" } else { "" })
            }
            Change::Reparented { .. } => self.place.as_ref().map(Place::text).unwrap_or_default(),
            Change::Renamed { .. } => own().map(Key::to_string).unwrap_or_default(),
            Change::KindChanged { .. } => own().map(|key| key.kind.word().to_owned()).unwrap_or_default(),
            Change::BecameError { is_new: true, .. } => "never there".to_owned(),
            Change::BecameError { .. } => "no error".to_owned(),
            Change::Recovered => "errors".to_owned(),
            Change::OrderChanged { with: others, was_first } => {
                format!("{} {}", if *was_first { "before" } else { "after" }, with(others, own()))
            }
            Change::Serialised { with: others } => format!("at the same time as {}", with(others, own())),
            Change::Parallelised { with: others } => format!("never at the same time as {}", with(others, own())),
        }
    }
    /// What the candidate has, in a few words.
    pub fn candidate(&self) -> String {
        let own = || self.place.as_ref().and_then(Place::last);
        match &self.change {
            Change::LostService { .. } | Change::LostEdge { .. } | Change::MissingPath => "missing".to_owned(),
            Change::NewService { .. } | Change::NewEdge { .. } | Change::NewPath => "there".to_owned(),
            Change::BecameLeaf => "none".to_owned(),
            Change::Count { candidate, per_parent, .. } | Change::Grew { candidate, per_parent, .. } => {
                format!("{candidate}{}", if *per_parent { " a parent" } else { "" })
            }
            Change::Reparented { to } => to.text(),
            Change::Renamed { to } => to.to_string(),
            Change::KindChanged { to } => to.word().to_owned(),
            Change::BecameError { errors, count, .. } => format!("{errors} of {count} failed"),
            Change::Recovered => "no error".to_owned(),
            Change::OrderChanged { with: others, was_first } => {
                format!("{} {}", if *was_first { "not before" } else { "not after" }, with(others, own()))
            }
            Change::Serialised { with: others } => format!("not at the same time as {}", with(others, own())),
            Change::Parallelised { with: others } => format!("at the same time as {}", with(others, own())),
        }
    }
    /// The difference as part of a sentence: what was and what is, and where.
    pub fn sentence(&self) -> String {
        let last = self.place.as_ref().and_then(Place::last);
        let name = last.map(Key::to_string).unwrap_or_default();
        let below = self.place.as_ref().and_then(Place::above).map(|key| format!(" below {key}")).unwrap_or_default();
        let implied = match self.implied {
            0 => String::new(),
            many => format!(" (and {} below)", count_of(many, "path")),
        };
        match &self.change {
            Change::LostService { service } => format!("{service} is missing{below}{implied}"),
            Change::NewService { service } => format!("{service} is new{below}{implied}"),
            Change::LostEdge { from, to } => format!("{from} no longer calls {to}{implied}"),
            Change::NewEdge { from, to } => format!("{from} calls {to}, which it never did{implied}"),
            Change::MissingPath => format!("{name} is missing{below}{implied}"),
            Change::NewPath => format!("{name} is new{below}{implied}"),
            Change::BecameLeaf => match self.implied {
                1 => format!("nothing is below {name}, where 1 path was"),
                many => format!("nothing is below {name}, where {} were", count_of(many, "path")),
            },
            Change::Count { baseline, candidate, per_parent } | Change::Grew { baseline, candidate, per_parent } => {
                let each = if *per_parent { " for each span above" } else { "" };
                format!("{name} occurs {}{each}, before {}", times(*candidate), times(*baseline))
            }
            Change::Reparented { to } => match to.above() {
                Some(above) => format!("{name} hangs from {above}, before{}", lead(self.place.as_ref())),
                None => format!("{name} is a root, before{}", lead(self.place.as_ref())),
            },
            Change::Renamed { to } => format!("{name} is now called {}", to.name),
            Change::KindChanged { to } => {
                let was = last.map_or("", |key| key.kind.word());
                format!("{name} is of kind {}, before {was}", to.word())
            }
            Change::BecameError { errors, count, is_new } => {
                let of = if *count == Range::of(1) { String::new() } else { format!(" ({errors} of {count})") };
                let above = match self.implied {
                    0 => String::new(),
                    1 => ", and with it 1 path above".to_owned(),
                    many => format!(", and with it {many} paths above"),
                };
                match is_new {
                    true => format!("{name} is new{below} and fails{of}{above}"),
                    false => format!("{name} fails, as it did not before{of}{above}"),
                }
            }
            Change::Recovered => format!("{name} no longer fails"),
            Change::OrderChanged { with: others, was_first } => {
                let others = with(others, last);
                if *was_first {
                    format!("order reversed: {name} no longer ends before {others} begins")
                } else {
                    format!("order reversed: {name} no longer begins after {others} ended")
                }
            }
            Change::Serialised { with: others } => {
                format!("{name} and {} run one after the other, before at the same time", like(others, last))
            }
            Change::Parallelised { with: others } => {
                format!("{name} and {} run at the same time, before one after the other", like(others, last))
            }
        }
    }
}

fn like(others: &[Key], own: Option<&Key>) -> String {
    if others.is_empty() { "others like it".to_owned() } else { with(others, own) }
}

fn lead(place: Option<&Place>) -> String {
    match place.and_then(Place::above) {
        Some(above) => format!(" from {above}"),
        None => " from nothing".to_owned(),
    }
}

fn times(range: Range) -> String {
    match range {
        Range { min: 0, max: 0 } => "never".to_owned(),
        Range { min: 1, max: 1 } => "once".to_owned(),
        Range { min: 2, max: 2 } => "twice".to_owned(),
        range => format!("{range} times"),
    }
}
