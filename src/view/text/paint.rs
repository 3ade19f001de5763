//! Colours of a terminal, or none.

use super::super::colour::PALETTE;

/// What a text is printed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Bold,
    Dim,
    Error,
    Warning,
    /// A service's colour, by its position in the palette.
    Service(usize),
    /// The same, less bright.
    Faint(usize),
}

/// Prints in colour, or without.
#[derive(Debug, Clone, Copy)]
pub(super) struct Painter {
    pub(super) colour: bool,
}

impl Painter {
    pub(super) fn put(self, text: &str, ink: Ink) -> String {
        if !self.colour || text.trim().is_empty() {
            return text.to_owned();
        }
        let of = |at: usize| PALETTE[at % PALETTE.len()].0;
        let code = match ink {
            Ink::Plain => return text.to_owned(),
            Ink::Bold => "1".to_owned(),
            Ink::Dim => "2".to_owned(),
            Ink::Error => "31".to_owned(),
            Ink::Warning => "33".to_owned(),
            Ink::Service(at) => format!("38;5;{}", of(at)),
            Ink::Faint(at) => format!("2;38;5;{}", of(at)),
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
