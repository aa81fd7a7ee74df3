//! A proxy between a client and a server of the bed that puts faults into what passes, by a plan.
//!
//! For an `https` server it speaks TLS to both sides: the client sees a certificate of the bed's authority for
//! 127.0.0.1, the server is checked against that authority. Each connection carries one request, over HTTP/1.1.
//! What it cannot do: pass a client certificate (log in with a token), speak HTTP/2, keep connections alive, or change
//! what stands in a request or an answer.

mod exchange;
mod plan;

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::authority::Authority;
use exchange::Request;
pub use plan::{Fault, Plan, STORM};

/// A running proxy; it stops when this is dropped.
pub struct Proxy {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A request that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Its path, with the query.
    pub target: String,
    /// What was done to it.
    pub fault: Option<Fault>,
}

impl Proxy {
    /// Starts a proxy to the server `to` (`http://HOST:PORT` or `https://HOST:PORT`) of the bed whose directory is `bed`.
    pub fn start(bed: &Path, to: &str, plan: Plan) -> Result<Self> {
        Self::start_with(bed, to, plan, |_| {})
    }

    /// The same, with something to do at each request.
    pub fn start_with(bed: &Path, to: &str, plan: Plan, tell: impl Fn(&Seen) + Send + Sync + 'static) -> Result<Self> {
        let (scheme, host) = to.trim_end_matches('/').split_once("://").context("a server is `https://HOST:PORT`")?;
        let tls = match scheme {
            "http" => None,
            "https" => Some(Tls::new(bed, host)?),
            _ => bail!("neither `http` nor `https`: `{to}`"),
        };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let seen = Arc::default();
        let hub =
            Hub { host: host.to_owned(), tls, plan: Mutex::new(plan), seen: Arc::clone(&seen), tell: Box::new(tell) };
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            // Connections end with the runtime.
            runtime.block_on(async {
                tokio::select! { () = Arc::new(hub).serve(listener) => {}, _ = stopped => {} }
            });
        });
        Ok(Self { url, seen, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens: the scheme of the server, 127.0.0.1 and a free port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The requests that have come until now, in their order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Both ends of TLS.
struct Tls {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl Tls {
    fn new(bed: &Path, host: &str) -> Result<Self> {
        let authority = Authority::load(bed)?;
        let identity = authority.server("proxy")?;
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
        let provider = Arc::new(ring::default_provider());
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.certificate().as_bytes())?)?;
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        client.alpn_protocols = server.alpn_protocols.clone();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        Ok(Self {
            acceptor: Arc::new(server).into(),
            connector: Arc::new(client).into(),
            server: ServerName::try_from(name.to_owned())?,
        })
    }
}

/// What all connections share.
struct Hub {
    host: String,
    tls: Option<Tls>,
    plan: Mutex<Plan>,
    seen: Arc<Mutex<Vec<Seen>>>,
    tell: Box<dyn Fn(&Seen) + Send + Sync>,
}

impl Hub {
    async fn serve(self: Arc<Self>, listener: std::net::TcpListener) {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        loop {
            let Ok((client, _)) = listener.accept().await else { continue };
            tokio::spawn(Arc::clone(&self).connection(client));
        }
    }

    /// What goes wrong here beside the plan, the client notices by itself.
    async fn connection(self: Arc<Self>, client: TcpStream) {
        let _ = client.set_nodelay(true);
        let _ = match &self.tls {
            None => self.exchange(client).await,
            Some(tls) => match tls.acceptor.accept(client).await {
                Ok(client) => self.exchange(client).await,
                Err(error) => Err(error.into()),
            },
        };
    }

    async fn exchange(&self, mut client: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
        let Some(request) = Request::read(&mut client).await? else { return Ok(()) };
        let fault = self.note(&request);
        match &fault {
            Some(Fault::Drop) => return Ok(()),
            Some(Fault::Status(status, after)) => {
                let header = after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
                return Ok(exchange::reply(client, &exchange::answer(*status, &header)).await?);
            }
            Some(Fault::Quote(status)) => {
                let body = request.body(&mut client).await?;
                return Ok(exchange::reply(client, &exchange::page(*status, &body)).await?);
            }
            Some(Fault::Redirect(url)) => {
                let header = format!("Location: {url}{}\r\n", request.target);
                return Ok(exchange::reply(client, &exchange::answer(307, &header)).await?);
            }
            Some(Fault::Latency(time)) => tokio::time::sleep(*time).await,
            Some(Fault::Cut(_) | Fault::Slow(_)) | None => {}
        }
        let Ok(server) = TcpStream::connect(&self.host).await else {
            return Ok(exchange::reply(client, &exchange::answer(502, "")).await?);
        };
        server.set_nodelay(true)?;
        match &self.tls {
            None => exchange::relay(&request, &self.host, fault.as_ref(), client, server).await?,
            Some(tls) => {
                let server = tls.connector.connect(tls.server.clone(), server).await?;
                exchange::relay(&request, &self.host, fault.as_ref(), client, server).await?;
            }
        }
        Ok(())
    }

    fn note(&self, request: &Request) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = plan.choose(&request.method, &request.target);
        let seen = Seen { method: request.method.clone(), target: request.target.clone(), fault: fault.clone() };
        (self.tell)(&seen);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        fault
    }
}
