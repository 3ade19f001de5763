//! TLS with a CA of one's own and with client certificates, made for each test.

use crate::secure::{self, Authority};
use crate::stub::{app, captured, order, outcome, text, word, words};
use tracespec::backend::{Backend, HttpOptions, Tempo, TempoOptions};
use tracespec::client::{Identity, TlsOptions};

/// Serves a stub of Tempo over TLS; asks for certificates signed by `clients`.
async fn serve(identity: &Identity, clients: Option<&Authority>) -> (String, tokio::task::JoinHandle<()>) {
    let (app, _) = app(|_, _| text(200, captured("shop/tempo_v2_ok.json")));
    let (port, serving) = secure::serve(app, identity, clients).await;
    (format!("https://localhost:{port}"), serving)
}

fn tempo(url: &str, tls: TlsOptions) -> Tempo {
    Tempo::new(TempoOptions { http: HttpOptions { tls, ..HttpOptions::new(url) }, tenant: None }).unwrap()
}

async fn refused(backend: &Tempo) -> String {
    let fetch = backend.fetch(order()).await;
    assert_eq!(word(&fetch), "refused", "{fetch:?}");
    words(fetch)
}

#[tokio::test]
async fn a_server_signed_by_an_own_ca_is_trusted_only_where_that_ca_is_named() {
    let (ours, renewed, other) = (Authority::new(), Authority::new(), Authority::named("other"));
    let (url, serving) = serve(&ours.sign(&["localhost"]), None).await;
    let named = |ca: &Authority| TlsOptions { ca: Some(ca.pem.clone()), ..TlsOptions::default() };
    assert_eq!(outcome(&tempo(&url, named(&ours)), order()).await, "16 spans");
    for authority in [&renewed, &other] {
        let told = refused(&tempo(&url, named(authority))).await;
        assert!(
            told.contains(&url) && told.contains("not signed by a trusted authority") && told.contains("CA"),
            "{told}"
        );
    }
    let insecure = TlsOptions { insecure: true, ..TlsOptions::default() };
    assert_eq!(outcome(&tempo(&url, insecure), order()).await, "16 spans");
    serving.abort();
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_and_told() {
    let ours = Authority::new();
    let (url, serving) = serve(&ours.sign(&["tempo.example"]), None).await;
    let told = refused(&tempo(&url, TlsOptions { ca: Some(ours.pem.clone()), ..TlsOptions::default() })).await;
    assert!(told.contains("another host name"), "{told}");
    serving.abort();
}

#[tokio::test]
async fn a_server_that_asks_for_a_client_certificate_gets_ours() {
    let (ours, stranger) = (Authority::new(), Authority::named("stranger"));
    let (url, serving) = serve(&ours.sign(&["localhost"]), Some(&ours)).await;
    let tls = |identity| TlsOptions { ca: Some(ours.pem.clone()), identity, insecure: false };
    assert_eq!(outcome(&tempo(&url, tls(Some(ours.sign(&["client"])))), order()).await, "16 spans");
    for identity in [None, Some(stranger.sign(&["client"]))] {
        let told = refused(&tempo(&url, tls(identity))).await;
        assert!(told.contains("client certificate"), "{told}");
    }
    serving.abort();
}

#[tokio::test]
async fn unusable_certificates_are_found_before_anything_is_sent() {
    let made = |tls| {
        let http = HttpOptions { tls, ..HttpOptions::new("https://localhost:1") };
        Tempo::new(TempoOptions { http, tenant: None }).map(|_| ()).unwrap_err().to_string()
    };
    let told = made(TlsOptions { ca: Some(b"no pem".to_vec()), ..TlsOptions::default() });
    assert!(told.contains("CA file"), "{told}");
    let identity = Some(Identity { certificate: b"x".to_vec(), key: b"s3cret".to_vec() });
    let told = made(TlsOptions { identity, ..TlsOptions::default() });
    assert!(told.contains("client certificate and key") && !told.contains("s3cret"), "{told}");
}
