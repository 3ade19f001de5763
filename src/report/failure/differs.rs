//! Two long texts as their difference: what is equal at both ends is left out but for a little of it.

use super::super::text::wrap;
use super::Look;

/// Characters of what is equal that are shown on each side of what differs.
const AROUND: usize = 24;
/// Lines that are equal and shown on each side.
const LINES_AROUND: usize = 2;
/// Lines of each side that differ and are shown.
const MOST_LINES: usize = 12;

/// `- expected` and `+ found`, each line behind the margin.
pub(super) fn render(expected: &str, actual: &str, margin: &str, look: Look) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = (old.len() - before).min(new.len() - before);
    let after = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (mut out, equal) = (String::new(), |lines: usize| format!("{margin}  … {lines} equal lines\n"));
    let shown_from = before.saturating_sub(LINES_AROUND);
    if shown_from > 0 {
        out += &equal(shown_from);
    }
    for line in &old[shown_from..before] {
        out += &wrap(line, &format!("{margin}  "), look.width);
    }
    let (gone, come) = (&old[before..old.len() - after], &new[before..new.len() - after]);
    match (gone, come) {
        ([gone], [come]) => {
            let (gone, come) = middle(gone, come);
            out += &look.red(&wrap(&gone, &format!("{margin}- "), look.width));
            out += &look.green(&wrap(&come, &format!("{margin}+ "), look.width));
        }
        _ => {
            let side = |lines: &[&str], sign: &str| {
                let shown = lines.iter().take(MOST_LINES);
                let mut text: String = shown.map(|line| wrap(line, &format!("{margin}{sign} "), look.width)).collect();
                if lines.len() > MOST_LINES {
                    text += &format!("{margin}{sign} … {} more lines\n", lines.len() - MOST_LINES);
                }
                text
            };
            out += &look.red(&side(gone, "-"));
            out += &look.green(&side(come, "+"));
        }
    }
    let shown_to = after.min(LINES_AROUND);
    for line in &old[old.len() - after..old.len() - after + shown_to] {
        out += &wrap(line, &format!("{margin}  "), look.width);
    }
    if after > shown_to {
        out += &equal(after - shown_to);
    }
    out
}

/// Two lines without most of what they begin and end with alike.
fn middle(a: &str, b: &str) -> (String, String) {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let before = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let rest = (a.len() - before).min(b.len() - before);
    let after = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (from, until) = (before.saturating_sub(AROUND), after.saturating_sub(AROUND));
    let part = |text: &[char]| {
        let (lead, tail) = (if from > 0 { "…" } else { "" }, if until > 0 { "…" } else { "" });
        let shown: String = text[from..text.len() - until].iter().collect();
        format!("{lead}{shown}{tail}")
    };
    (part(&a), part(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differ(a: &str, b: &str) -> String {
        render(a, b, "", Look::default())
    }

    #[test]
    fn of_one_long_line_the_part_that_differs_is_shown() {
        let (a, b) = ("a".repeat(100), "b".repeat(100));
        let shown = differ(&format!("{a}confirmed{b}"), &format!("{a}declined{b}"));
        let (a, b) = ("a".repeat(AROUND), "b".repeat(AROUND));
        // Both words end alike.
        let b = &b[2..];
        assert_eq!(shown, format!("- …{a}confirmed{b}…\n+ …{a}declined{b}…\n"));
    }

    #[test]
    fn of_many_lines_those_that_differ_are_shown_with_two_around_them() {
        let lines = |word: &str| format!("1\n2\n3\n4\n{word}\n6\n7\n8\n9");
        assert_eq!(
            differ(&lines("a"), &lines("b")),
            "  … 2 equal lines\n  3\n  4\n- a\n+ b\n  6\n  7\n  … 2 equal lines\n"
        );
        assert_eq!(differ("1\n2", "1\n2\n3"), "  1\n  2\n+ 3\n");
        assert_eq!(differ("x", ""), "- x\n");
    }
}
