//! What every HTTP client of this crate shares.

/// Makes rustls use the ring provider. Idempotent; whoever builds a TLS client calls it first, because without a
/// default provider reqwest refuses to build one.
pub fn install_crypto() {
    // An error only says that the embedding program has already chosen a provider: its choice stands.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
