//! A row's bar: eight places a character. On the critical path it is solid, beside it shaded, gaps are light.

use super::super::axis::Axis;
use super::super::waterfall::Section;

const EIGHTHS: usize = 8;
/// From the left edge of a character.
const LEFT: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// What a character of a bar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Nothing,
    /// On the critical path, or a bar of which that is not known.
    Solid,
    Beside,
    Gap,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Eighth {
    Nothing,
    Solid,
    Beside,
    Gap,
}

/// The sections of a row.
pub(super) struct Sections<'a> {
    pub(super) all: &'a [Section],
    /// `None` where the critical path is not known.
    pub(super) critical: Option<&'a [Section]>,
    pub(super) gaps: &'a [Section],
}

/// The characters of a bar of this many columns.
pub(super) fn draw(sections: &Sections<'_>, duration: u64, columns: usize) -> Vec<(char, Tone)> {
    let axis = Axis { duration, places: columns * EIGHTHS };
    let mut eighths = vec![Eighth::Nothing; columns * EIGHTHS];
    let base = if sections.critical.is_some() { Eighth::Beside } else { Eighth::Solid };
    let painted =
        [(sections.all, base), (sections.critical.unwrap_or_default(), Eighth::Solid), (sections.gaps, Eighth::Gap)];
    for (of, tone) in painted {
        for &(from, to) in of {
            let from = axis.place(from).min(eighths.len().saturating_sub(1));
            // A span without duration is there all the same; a part of one is not.
            let least = if tone == base { from + 1 } else { from };
            let to = axis.place(to).max(least).min(eighths.len());
            eighths[from..to].fill(tone);
        }
    }
    eighths.chunks(EIGHTHS).map(character).collect()
}

fn character(eighths: &[Eighth]) -> (char, Tone) {
    let count = |what: Eighth| eighths.iter().filter(|&&at| at == what).count();
    let covered = EIGHTHS - count(Eighth::Nothing);
    let [solid, beside, gap] = [Eighth::Solid, Eighth::Beside, Eighth::Gap].map(count);
    if covered == 0 {
        (' ', Tone::Nothing)
    } else if gap > solid && gap >= beside {
        ('░', Tone::Gap)
    } else if beside > solid {
        ('▒', Tone::Beside)
    } else if eighths[..covered].iter().all(|at| *at != Eighth::Nothing) {
        (LEFT[covered], Tone::Solid)
    } else if covered >= 6 {
        ('█', Tone::Solid)
    } else if eighths[EIGHTHS - covered..].iter().all(|at| *at != Eighth::Nothing) {
        (if covered >= 3 { '▐' } else { '▕' }, Tone::Solid)
    } else {
        (LEFT[covered.max(2)], Tone::Solid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(all: &[Section], critical: Option<&[Section]>, gaps: &[Section]) -> String {
        draw(&Sections { all, critical, gaps }, 80, 10).into_iter().map(|(c, _)| c).collect()
    }

    #[test]
    fn bars_are_drawn_to_an_eighth_of_a_character() {
        assert_eq!(bar(&[(0, 80)], None, &[]), "██████████");
        assert_eq!(bar(&[(0, 27)], None, &[]), "███▍      ");
        assert_eq!(bar(&[(28, 48)], None, &[]), "   ▐██    ");
        assert_eq!(bar(&[(80, 80)], None, &[]), "         ▕");
        assert_eq!(bar(&[(16, 16)], None, &[]), "  ▏       ");
    }

    #[test]
    fn the_critical_path_and_gaps_differ_without_colour() {
        assert_eq!(bar(&[(0, 80)], Some(&[(0, 16), (64, 80)]), &[]), "██▒▒▒▒▒▒██");
        assert_eq!(bar(&[(0, 80)], Some(&[(0, 80)]), &[(16, 64)]), "██░░░░░░██");
        assert_eq!(bar(&[(0, 80)], Some(&[]), &[]), "▒▒▒▒▒▒▒▒▒▒");
    }

    #[test]
    fn no_time_leaves_the_bar() {
        assert_eq!(draw(&Sections { all: &[(0, u64::MAX)], critical: None, gaps: &[] }, 0, 3).len(), 3);
        assert_eq!(draw(&Sections { all: &[(90, u64::MAX)], critical: None, gaps: &[] }, 80, 3).len(), 3);
        assert!(draw(&Sections { all: &[(0, 1)], critical: None, gaps: &[] }, 80, 0).is_empty());
    }
}
