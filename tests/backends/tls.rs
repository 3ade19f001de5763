//! TLS with a CA of one's own and with client certificates, made for each test.

use crate::stub::{app, captured, order, outcome, text, word, words};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tracespec::backend::{Backend, HttpOptions, Tempo, TempoOptions};
use tracespec::client::{Identity, TlsOptions, install_crypto};

pub struct Authority {
    pem: Vec<u8>,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Authority {
        Authority::named("ours")
    }

    fn named(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Authority { pem: issuer.pem().into_bytes(), issuer }
    }

    fn sign(&self, names: &[&str]) -> Identity {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let issuer: &Issuer<'_, KeyPair> = &self.issuer;
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, issuer).unwrap();
        Identity { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }
}

/// Serves a stub of Tempo over TLS; asks for certificates signed by `clients`.
async fn serve(identity: &Identity, clients: Option<&Authority>) -> (String, tokio::task::JoinHandle<()>) {
    install_crypto();
    let chain = vec![CertificateDer::from_pem_slice(&identity.certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&identity.key).unwrap();
    let config = match clients {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(&authority.pem).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (app, _) = app(|_, _| text(200, captured("shop/tempo_v2_ok.json")));
    let serving = tokio::spawn(async move {
        axum::serve(Secure { listener, acceptor }, app).await.unwrap();
    });
    (format!("https://localhost:{port}"), serving)
}

struct Secure {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Secure {
    type Io = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;
    type Addr = std::net::SocketAddr;
    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // One that fails is the client's to report.
            if let Ok(secure) = self.acceptor.accept(stream).await {
                return (secure, address);
            }
        }
    }
    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
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
