//! XML that is well-formed whatever it holds.

/// A document that is being written. What is open at its end is closed.
pub(super) struct Xml {
    out: String,
    open: Vec<String>,
}

impl Xml {
    pub(super) fn new() -> Xml {
        Xml { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), open: Vec::new() }
    }

    /// Begins an element that holds elements.
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.begin(name, attributes);
        self.out += ">\n";
        self.open.push(name.to_owned());
    }

    /// Ends the element begun last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.out += &format!("{}</{name}>\n", self.margin());
        }
    }

    /// An element that holds nothing.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.begin(name, attributes);
        self.out += "/>\n";
    }

    /// An element that holds text.
    pub(super) fn text_in(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.begin(name, attributes);
        self.out.push('>');
        escape(text, false, &mut self.out);
        self.out += &format!("</{name}>\n");
    }

    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn margin(&self) -> String {
        "  ".repeat(self.open.len())
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.out += &format!("{}<{name}", self.margin());
        for (name, value) in attributes {
            self.out += &format!(" {name}=\"");
            escape(value, true, &mut self.out);
            self.out.push('"');
        }
    }
}

/// Not as [`markup`](crate::diag::markup): text in elements keeps its quotes, so that people can read it. What XML 1.0 has no way to write is replaced. White space in attributes would be read as blanks.
fn escape(text: &str, in_attribute: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if in_attribute => out.push_str("&quot;"),
            '\n' | '\t' if in_attribute => out.push_str(if c == '\n' { "&#10;" } else { "&#9;" }),
            '\n' | '\t' => out.push(c),
            '\r' => out.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            // Allowed, but a terminal would obey them.
            '\u{7f}'..='\u{9f}' => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
}
