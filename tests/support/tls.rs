//! TLS with a CA of one's own and with client certificates, made for each test.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tracespec::client::{Identity, install_crypto};

/// Who signs certificates.
pub struct Authority {
    pub pem: Vec<u8>,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Authority {
        Authority::named("ours")
    }

    pub fn named(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Authority { pem: issuer.pem().into_bytes(), issuer }
    }

    /// A certificate for these names, and its key.
    pub fn sign(&self, names: &[&str]) -> Identity {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let issuer: &Issuer<'_, KeyPair> = &self.issuer;
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, issuer).unwrap();
        Identity { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }
}

/// Serves these routes over TLS on a free port, which it yields; asks for certificates signed by `clients`.
pub async fn serve(
    app: axum::Router,
    identity: &Identity,
    clients: Option<&Authority>,
) -> (u16, tokio::task::JoinHandle<()>) {
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
    let serving = tokio::spawn(async move {
        axum::serve(Secure { listener, acceptor }, app).await.unwrap();
    });
    (port, serving)
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
