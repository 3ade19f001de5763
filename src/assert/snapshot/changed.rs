//! What differs between two lines of the same kind of span. Whole lines beside each other hide it: they are long, and
//! alike where they begin.

use super::super::text::escape;
use super::compare::parts;

/// The most characters of service, kind and name before what differs.
const LONGEST: usize = 120;

/// The spans that a line is about: its level, and service, kind and name.
pub(super) fn of_what(line: &str) -> (usize, &str) {
    let text = line.trim_start();
    (line.len() - text.len(), Line::of(text).what)
}

/// What a line says, taken apart. Only for showing it: a name may look like what follows names.
struct Line<'a> {
    what: &'a str,
    /// `!error`, attributes, events, `~link`
    marks: Vec<&'a str>,
    times: (usize, usize),
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Line<'a> {
        let (text, times) = parts(text);
        let begins = [" !error", " [", " +", " ~link"];
        let end = begins.into_iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
        let (what, mut rest) = text.split_at(end);
        let mut marks = Vec::new();
        if let Some(after) = rest.strip_prefix(" !error") {
            marks.push("!error");
            rest = after;
        }
        if let Some(within) = rest.strip_prefix(" [") {
            let (attributes, after) = match within.rfind(']') {
                Some(end) => (&within[..end], &within[end + 1..]),
                None => (within, ""),
            };
            marks.extend(attributes.split(", "));
            rest = after;
        }
        let (rest, link) = match rest.strip_suffix(" ~link") {
            Some(rest) => (rest, Some("~link")),
            None => (rest, None),
        };
        marks.extend(rest.split(" +").map(str::trim).filter(|event| !event.is_empty()));
        marks.extend(link);
        Line { what, marks, times }
    }
}

/// `order-service client UPDATE: x1 -> x12, http.route=/a -> /b, +retried`; `None` where there is nothing to say.
pub(super) fn words(old: &str, new: &str) -> Option<String> {
    let text = old.trim_start();
    let indent = &old[..old.len() - text.len()];
    let (old, new) = (Line::of(text), Line::of(new.trim_start()));
    let mut says = Vec::new();
    if old.times != new.times {
        says.push(format!("{} -> {}", times(old.times), times(new.times)));
    }
    let key = |mark: &str| mark.split_once('=').map_or(mark.to_owned(), |(key, _)| key.to_owned());
    let came: Vec<&str> = new.marks.iter().copied().filter(|mark| !old.marks.contains(mark)).collect();
    let went: Vec<&str> = old.marks.iter().copied().filter(|mark| !new.marks.contains(mark)).collect();
    for gone in &went {
        match came.iter().find(|mark| key(mark) == key(gone)) {
            Some(mark) => {
                let value = mark.split_once('=').map_or("(any value)", |(_, value)| value);
                let gone = if gone.contains('=') { (*gone).to_owned() } else { format!("{gone} (any value)") };
                says.push(format!("{gone} -> {value}"));
            }
            None => says.push(format!("-{gone}")),
        }
    }
    says.extend(
        came.iter().filter(|mark| !went.iter().any(|gone| key(gone) == key(mark))).map(|mark| format!("+{mark}")),
    );
    (!says.is_empty()).then(|| format!("{indent}{}: {}", escape(old.what, LONGEST), says.join(", ")))
}

fn times((least, most): (usize, usize)) -> String {
    if least == most { format!("x{least}") } else { format!("x{least}..{most}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_of_two_lines_is_said() {
        let old = "  shop client UPDATE shelf_stock [db.system=postgresql, a=1, b, gone=x] +retried";
        let new = "  shop client UPDATE shelf_stock !error [db.system=postgresql, a=2, b, new=y] ~link x12";
        assert_eq!(of_what(old), of_what(new));
        assert_eq!(
            words(old, new).as_deref(),
            Some("  shop client UPDATE shelf_stock: x1 -> x12, a=1 -> 2, -gone=x, -retried, +!error, +new=y, +~link")
        );
        assert_eq!(words(old, old), None);
        assert_ne!(of_what("a client b"), of_what("  a client b"));
        assert_ne!(of_what("a client b"), of_what("a client c x2"));
    }
}
