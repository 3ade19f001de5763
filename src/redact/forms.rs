//! The forms of a secret that decoding a text does not undo.

use super::view;
use base64::Engine as _;
use url::Url;

/// All of them: the text itself, what a URL's parser makes of it, base64 and hexadecimal digits, each also decoded (a
/// secret may look escaped itself).
pub(super) fn of(text: &str, add: &mut dyn FnMut(Vec<u8>)) {
    let quoted = serde_json::Value::from(text).to_string();
    let escaped = &quoted[1..quoted.len() - 1];
    let mut forms = vec![text.to_owned()];
    forms.extend(url(text));
    forms.extend(base64(text));
    if escaped != text {
        // JSON within a token.
        forms.extend(base64(escaped));
    }
    forms.extend(hexadecimal(text));
    for form in forms {
        view::all(form.as_bytes(), &mut |view| add(view.bytes.to_vec()));
    }
}

/// What the parser of URLs makes of a text within one. It changes more than it encodes: `\` becomes `/`, and what
/// follows `?` and `#` is shown by itself.
fn url(text: &str) -> Vec<String> {
    const BEFORE: &str = "http://h/";
    let Ok(url) = Url::parse(&format!("{BEFORE}{text}")) else { return Vec::new() };
    let whole = url.as_str().get(BEFORE.len()..).map(str::to_owned);
    let path = url.path().trim_start_matches('/').to_owned();
    let rest = url.query().into_iter().chain(url.fragment()).map(str::to_owned);
    whole.into_iter().chain([path]).chain(rest).collect()
}

/// In base64, alone and as the middle of something longer (`user:password`): three alignments, the characters that hold
/// bits of the neighbours left out.
fn base64(text: &str) -> Vec<String> {
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut forms = Vec::new();
    for lead in 0..3usize {
        let padded: Vec<u8> = std::iter::repeat_n(0u8, lead).chain(text.bytes()).collect();
        let skip = [0, 2, 3][lead];
        let keep = padded.len() * 8 / 6;
        for coded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            forms.extend(coded.get(skip..keep.min(coded.len())).map(str::to_owned));
        }
    }
    forms
}

fn hexadecimal(text: &str) -> [String; 2] {
    let lower: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let upper = lower.to_uppercase();
    [lower, upper]
}
