//! A colour for each service: by the hash of its name, so that it is the same in every trace and medium unless two services of
//! one trace would share it.

/// The colours of a terminal (of 256) with those of a picture, light and dark. Red is kept for errors.
pub(super) const PALETTE: [(u8, &str, &str); 12] = [
    (33, "#1f77d0", "#5aa9ff"),
    (208, "#c65d00", "#ff9d47"),
    (71, "#2e8b3d", "#6fcf7c"),
    (170, "#a83fa8", "#e58be5"),
    (37, "#00838a", "#45c6cc"),
    (178, "#8f6a00", "#e0b93f"),
    (99, "#6a4fd0", "#a594ff"),
    (209, "#b8503a", "#ff9b85"),
    (109, "#4f7386", "#9cc3d6"),
    (142, "#6d7300", "#bfc44a"),
    (133, "#8a4a78", "#d79ac6"),
    (67, "#3f6797", "#8fb3e0"),
];

/// The palette of pictures: each colour on a light and on a dark page.
pub fn colours() -> impl Iterator<Item = (&'static str, &'static str)> {
    PALETTE.iter().map(|(_, light, dark)| (*light, *dark))
}

/// The palette positions of services in the order of their names. A taken colour passes on to the next free one.
pub(super) fn assign<'a>(sorted: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut taken = 0u32;
    let all = (1u32 << PALETTE.len()) - 1;
    sorted
        .map(|name| {
            if taken == all {
                taken = 0;
            }
            let mut at = hash(name) as usize % PALETTE.len();
            while taken & (1 << at) != 0 {
                at = (at + 1) % PALETTE.len();
            }
            taken |= 1 << at;
            at
        })
        .collect()
}

/// FNV-1a, which no release of a library changes.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
