//! The captured answers, from the copies in this repository.

use super::canon::{Canon, Loss, assert_same, canon, read};
use tracespec::trace::Trace;

fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/captured/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const CONFIRMED: &str = "5b8efff798038103d269b633813fc60c";
const DECLINED: &str = "5b8efff798038103d269b633813fc60d";

fn sent(id: &str) -> Trace {
    let requests: Vec<Vec<u8>> = (0..4).map(|at| bytes(&format!("shop/otlp_export_request_{at}.pb"))).collect();
    read(&requests, id)
}

const JAEGER_LEGACY: &[Loss] = &[Loss::Microseconds, Loss::Flags];
const JAEGER_176: &[Loss] = &[Loss::Flags];
const VICTORIA: &[Loss] = &[Loss::Microseconds, Loss::Flags, Loss::Types];

/// The same order from every server, with what each format loses of it.
const SHOP: &[(&str, &str, &[Loss])] = &[
    ("shop/jaeger_legacy_ok.json", CONFIRMED, JAEGER_LEGACY),
    ("shop/jaeger_legacy_declined.json", DECLINED, JAEGER_LEGACY),
    ("shop/jaeger_legacy_adjusted_ok.json", CONFIRMED, JAEGER_LEGACY),
    ("shop/jaeger_legacy_adjusted_declined.json", DECLINED, JAEGER_LEGACY),
    ("shop/jaeger_v3_ok.json", CONFIRMED, &[]),
    ("shop/jaeger_v3_declined.json", DECLINED, &[]),
    ("shop/jaeger_grpc_v3_ok.pb", CONFIRMED, &[]),
    ("shop/jaeger_grpc_v3_declined.pb", DECLINED, &[]),
    ("shop/jaeger176_v3_ok.json", CONFIRMED, JAEGER_176),
    ("shop/tempo_v1_ok.json", CONFIRMED, &[]),
    ("shop/tempo_v1_declined.json", DECLINED, &[]),
    ("shop/tempo_v1_ok.pb", CONFIRMED, &[]),
    ("shop/tempo_v1_declined.pb", DECLINED, &[]),
    ("shop/tempo_v2_ok.json", CONFIRMED, &[]),
    ("shop/tempo_v2_declined.json", DECLINED, &[]),
    ("shop/tempo_v2_ok.pb", CONFIRMED, &[]),
    ("shop/tempo_v2_declined.pb", DECLINED, &[]),
    ("shop/victoriatraces_jaeger_ok.json", CONFIRMED, VICTORIA),
    ("shop/victoriatraces_jaeger_declined.json", DECLINED, VICTORIA),
];

#[test]
fn the_shops_orders_are_the_same_model_from_every_server() {
    for (file, id, losses) in SHOP {
        assert_same(file, &canon(&sent(id)), &canon(&read(&[bytes(file)], id)), losses);
    }
}

const HOSTILE: &str = "3b7ad297872035d72ac3426b39ba5ee5";
const FINITE: &str = "3b7ad297872035d72ac3426b39ba5ee6";
const OLD_JAEGER: &[Loss] = &[
    Loss::Microseconds,
    Loss::Flags,
    Loss::ScopeAttributes,
    Loss::LinkFacts,
    Loss::Nested,
];

const ODD: &[(&str, &str, &[Loss])] = &[
    ("tempo_v1_live.json", HOSTILE, &[Loss::LongText]),
    ("tempo_v2_live.json", HOSTILE, &[Loss::LongText]),
    ("tempo_v1_after_wal_flush.json", HOSTILE, &[Loss::LongText, Loss::Flags]),
    ("jaeger_v3.json", HOSTILE, &[Loss::NotAfterStart]),
    ("jaeger_v3_adjusted.json", HOSTILE, &[Loss::NotAfterStart]),
    ("jaeger_grpc_v3.pb", HOSTILE, &[Loss::NotAfterStart]),
    ("jaeger176_v3.json", HOSTILE, OLD_JAEGER),
    ("jaeger_legacy_finite.json", FINITE, OLD_JAEGER),
    ("jaeger_legacy_adjusted_finite.json", FINITE, OLD_JAEGER),
];

#[test]
fn the_hostile_trace_is_the_same_model_from_every_server() {
    let all = canon(&read(&[bytes("otlp_request.json")], HOSTILE));
    let finite = canon(&read(&[bytes("otlp_request_finite.json")], FINITE));
    for (file, id, losses) in ODD {
        let sent: &Canon = if *id == HOSTILE { &all } else { &finite };
        assert_same(file, sent, &canon(&read(&[bytes(file)], id)), losses);
    }
}
