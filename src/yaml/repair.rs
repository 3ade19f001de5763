//! What is skipped where the parser cannot continue, and what may help.

use std::ops::Range;

/// The item of `tests:` in which a byte lies: what is skipped when the parser cannot continue.
pub(super) fn item_around(text: &str, at: usize) -> Option<Range<usize>> {
    let mut starts: Vec<usize> = Vec::new();
    let (mut dash, mut inside, mut offset, mut end) = (None, false, 0, text.len());
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let blank = content.trim().is_empty() || content.starts_with('#');
        if !inside {
            inside = line.starts_with("tests:");
        } else if !blank {
            let item = content.starts_with("- ") || content.trim_end() == "-";
            match dash {
                None if item => dash = Some(indent),
                None => return None,
                _ => {}
            }
            if Some(indent) == dash && item {
                starts.push(offset);
            } else if dash.is_some_and(|dash| indent < dash || (indent == 0 && !item)) {
                end = offset;
                break;
            }
        }
        offset += line.len();
    }
    if at > end && end < text.len() {
        return None;
    }
    let index = starts.partition_point(|&start| start <= at).checked_sub(1)?;
    let start = starts[index];
    Some(start..starts.get(index + 1).copied().unwrap_or(end))
}

/// The text with a range made blank.
pub(super) fn blank(text: &str, range: Range<usize>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for byte in &mut bytes[range] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// A hint for a mistake that only the parser found.
pub(super) fn guess(text: &str, at: usize, info: &str) -> Option<&'static str> {
    let line_start = text[..at].rfind('\n').map_or(0, |n| n + 1);
    let line = text[line_start..].lines().next().unwrap_or("").trim_start();
    if info.contains("mapping values") {
        Some("look at the indentation of this line and the one above: keys of one mapping begin in one column")
    } else if info.contains("simple key") || info.contains("could not find expected ':'") {
        Some("a key is followed by a colon and a space: `key: value`")
    } else if info.contains("flow") || line.starts_with(['}', ']']) {
        Some("look for a missing comma, or a bracket that is opened and not closed")
    } else if info.contains("indent") || info.contains("block") {
        Some("keys of one mapping, and items of one list, begin in the same column")
    } else {
        None
    }
}
