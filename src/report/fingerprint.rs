//! What makes a finding the same as one of an earlier run: the test, what is expected, the rule. Not the line, which moves.

use std::collections::HashMap;

/// Fingerprints of one report: what would get the same gets another by its position.
#[derive(Default)]
pub(super) struct Fingerprints(HashMap<u128, usize>);

impl Fingerprints {
    pub(super) fn of(&mut self, parts: &[&str]) -> String {
        let hash = fnv(parts);
        let seen = self.0.entry(hash).or_default();
        *seen += 1;
        let hash = if *seen == 1 { hash } else { fnv(&[&format!("{hash:032x}"), &seen.to_string()]) };
        format!("{hash:032x}")
    }
}

/// FNV-1a with 128 bits (draft-eastlake-fnv), which no version of this program may change.
pub(crate) fn fnv(parts: &[&str]) -> u128 {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    // No text holds this byte, so parts cannot run into each other.
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0xff])) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_have_the_same_fingerprint_and_no_two_findings_share_one() {
        let mut prints = Fingerprints::default();
        let all: Vec<String> = (0..3).map(|_| prints.of(&["a", "b"])).collect();
        assert_eq!(all[0], Fingerprints::default().of(&["a", "b"]));
        assert!(all[0] != all[1] && all[1] != all[2]);
        assert_ne!(fnv(&["a", "b"]), fnv(&["ab", ""]));
        // Of the empty text: the offset basis.
        assert_eq!(fnv(&[]), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    }
}
