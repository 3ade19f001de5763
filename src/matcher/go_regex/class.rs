//! Go's character classes: `[…]`, `\d`, `[:alpha:]`, `\p{Greek}`.

use super::PatternError;
use super::parse::Parser;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

type Read<T> = Result<T, PatternError>;

/// Classes of one letter, all of ASCII; in upper case, what is not in them.
const LETTERS: &[(char, &[(char, char)])] = &[
    ('d', &[('0', '9')]),
    ('s', &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')]),
    ('w', &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
];

/// POSIX classes, within brackets only.
const POSIX: &[(&str, &[(char, char)])] = &[
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\x7F')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\x1F'), ('\x7F', '\x7F')]),
    ("digit", &[('0', '9')]),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

/// Unicode's general categories, and the long names that Go has for them.
const CATEGORIES: &[(&str, &[&str])] = &[
    ("C", &["other"]),
    ("Cc", &["control", "cntrl"]),
    ("Cf", &["format"]),
    ("Cn", &["unassigned"]),
    ("Co", &["privateuse"]),
    ("Cs", &["surrogate"]),
    ("L", &["letter"]),
    ("LC", &["casedletter"]),
    ("Ll", &["lowercaseletter"]),
    ("Lm", &["modifierletter"]),
    ("Lo", &["otherletter"]),
    ("Lt", &["titlecaseletter"]),
    ("Lu", &["uppercaseletter"]),
    ("M", &["mark", "combiningmark"]),
    ("Mc", &["spacingmark"]),
    ("Me", &["enclosingmark"]),
    ("Mn", &["nonspacingmark"]),
    ("N", &["number"]),
    ("Nd", &["decimalnumber", "digit"]),
    ("Nl", &["letternumber"]),
    ("No", &["othernumber"]),
    ("P", &["punctuation", "punct"]),
    ("Pc", &["connectorpunctuation"]),
    ("Pd", &["dashpunctuation"]),
    ("Pe", &["closepunctuation"]),
    ("Pf", &["finalpunctuation"]),
    ("Pi", &["initialpunctuation"]),
    ("Po", &["otherpunctuation"]),
    ("Ps", &["openpunctuation"]),
    ("S", &["symbol"]),
    ("Sc", &["currencysymbol"]),
    ("Sk", &["modifiersymbol"]),
    ("Sm", &["mathsymbol"]),
    ("So", &["othersymbol"]),
    ("Z", &["separator"]),
    ("Zl", &["lineseparator"]),
    ("Zp", &["paragraphseparator"]),
    ("Zs", &["spaceseparator"]),
];

/// The scripts that Go 1.26 knows in patterns. Those of several words it does not find, since it takes the `_` out of what
/// is asked for and not out of what it has.
const SCRIPTS: &str = "\
    Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid \
    Carian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari Dogra Duployan \
    Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Han Hangul Hanunoo Hatran \
    Hebrew Hiragana Inherited Javanese Kaithi Kannada Katakana Kawi Kharoshthi Khmer Khojki Khudawadi Lao Latin Lepcha \
    Limbu Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Medefaidrin Miao Modi Mongolian Mro \
    Multani Myanmar Nabataean Nandinagari Newa Nko Nushu Ogham Oriya Osage Osmanya Palmyrene Phoenician Rejang Runic \
    Samaritan Saurashtra Sharada Shavian Siddham Sinhala Sogdian Soyombo Sundanese Syriac Tagalog Tagbanwa Takri Tamil \
    Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Yezidi Yi";

/// A class of ASCII ranges, as a pattern's flags have it.
fn of(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(first, last)| ClassUnicodeRange::new(first, last)))
}

/// Every character but one.
pub(super) fn except(c: char) -> ClassUnicode {
    let mut class = of(&[(c, c)]);
    class.negate();
    class
}

/// The class as flags and a negation have it.
fn finished(mut class: ClassUnicode, fold: bool, negated: bool) -> ClassUnicode {
    if fold {
        class.case_fold_simple();
    }
    if negated {
        class.negate();
    }
    class
}

/// A class after a backslash: `\d`, `\pL`, `\P{Greek}`. `None`: the backslash begins something else.
pub(super) fn escaped(parser: &mut Parser<'_>, start: usize) -> Read<Option<ClassUnicode>> {
    let fold = parser.flags.fold;
    for &(letter, ranges) in LETTERS {
        for (negated, letter) in [(false, letter), (true, letter.to_ascii_uppercase())] {
            if parser.take(letter.encode_utf8(&mut [0; 4])) {
                return Ok(Some(finished(of(ranges), fold, negated)));
            }
        }
    }
    let negated = parser.rest().starts_with('P');
    if !negated && !parser.rest().starts_with('p') {
        return Ok(None);
    }
    parser.at += 1;
    let name = if parser.take("{") {
        let Some(length) = parser.rest().find('}') else {
            return parser.error(start, format!("`{}` is not closed by `}}`", parser.since(start)));
        };
        let name = &parser.rest()[..length];
        parser.at += length + 1;
        name
    } else {
        let before = parser.at;
        parser.next();
        parser.since(before)
    };
    let (name, negated) = name.strip_prefix('^').map_or((name, negated), |name| (name, !negated));
    match named(name) {
        Some(class) => {
            parser.spend(start, &class)?;
            Ok(Some(finished(class, fold, negated)))
        }
        None => parser.error(start, format!("`{}` is not a Unicode class", parser.since(start))),
    }
}

/// A class by its Unicode name; case, spaces, `_` and `-` do not count.
fn named(name: &str) -> Option<ClassUnicode> {
    let folded: String =
        name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).map(|c| c.to_ascii_lowercase()).collect();
    match &*folded {
        "any" => return Some(of(&[('\0', char::MAX)])),
        "ascii" => return Some(of(&[('\0', '\x7F')])),
        "assigned" => return named("Cn").map(|class| finished(class, false, true)),
        _ => {}
    }
    let category = CATEGORIES
        .iter()
        .find(|(short, long)| short.eq_ignore_ascii_case(&folded) || long.contains(&&*folded))
        .map(|(short, _)| table("gc", short));
    category.or_else(|| {
        SCRIPTS.split_whitespace().find(|script| script.eq_ignore_ascii_case(&folded)).map(|script| table("sc", script))
    })
}

/// A Unicode table. Surrogates have none, since no text contains them.
fn table(property: &str, value: &str) -> ClassUnicode {
    match regex_syntax::parse(&format!(r"\p{{{property}={value}}}")).map(|hir| hir.into_kind()) {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        _ => ClassUnicode::empty(),
    }
}

/// What follows `[`, which stands at `start`.
pub(super) fn bracketed(parser: &mut Parser<'_>, start: usize) -> Read<ClassUnicode> {
    let unclosed = || Err(PatternError::new("`[` is not closed by `]`", start..start + 1));
    let negated = parser.take("^");
    let fold = parser.flags.fold;
    let mut ranges: Vec<ClassUnicodeRange> = Vec::new();
    let mut first = true;
    loop {
        // A `]` that comes first is a character.
        if !first && parser.take("]") {
            return Ok(finished(ClassUnicode::new(ranges), false, negated));
        }
        first = false;
        let at = parser.at;
        if parser.rest().starts_with("[:")
            && parser.posix_end >= at + 2
            && let Some(length) = parser.rest()[2..].find(":]")
        {
            parser.at += length + 4;
            ranges.extend(posix(parser, at, fold)?.iter());
            continue;
        }
        if parser.take("\\") {
            if let Some(other) = escaped(parser, at)? {
                ranges.extend(other.iter());
                continue;
            }
            parser.at = at;
        }
        let Some(low) = one(parser)? else { return unclosed() };
        let mut high = low;
        // A `-` before the end is a character.
        if parser.rest().starts_with('-') && parser.rest().len() > 1 && !parser.rest().starts_with("-]") {
            parser.at += 1;
            match one(parser)? {
                Some(end) => high = end,
                None => return unclosed(),
            }
            if high < low {
                return parser
                    .error(at, format!("the range `{}` has its bounds the wrong way around", parser.since(at)));
            }
        }
        // Surrogates are no characters: a range that ends among them ends beside them.
        let low = char::from_u32(low).unwrap_or('\u{E000}');
        let high = char::from_u32(high).unwrap_or('\u{D7FF}');
        if low <= high {
            ranges.extend(finished(of(&[(low, high)]), fold, false).iter());
        }
    }
}

/// A character of a class, as its code point.
fn one(parser: &mut Parser<'_>) -> Read<Option<u32>> {
    let start = parser.at;
    match parser.next() {
        Some('\\') => parser.code_point(start).map(Some),
        other => Ok(other.map(u32::from)),
    }
}

/// `[:alpha:]`, `[:^alpha:]`, read already.
fn posix(parser: &Parser<'_>, start: usize, fold: bool) -> Read<ClassUnicode> {
    let shown = parser.since(start);
    let name = &shown[2..shown.len() - 2];
    let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    match POSIX.iter().find(|(known, _)| *known == name) {
        Some((_, ranges)) => Ok(finished(of(ranges), fold, negated)),
        None => {
            let names: Vec<&str> = POSIX.iter().map(|(name, _)| *name).collect();
            parser.error(start, format!("`{shown}` is not a class; the classes are {}", names.join(", ")))
        }
    }
}
