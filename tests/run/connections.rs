//! The connections that triggers are sent over.

use crate::project::Project;
use crate::target::runtime;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A server that promises to keep a connection and closes it after its first answer; counts connections and requests.
#[derive(Default)]
struct Impatient {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

fn impatient(answers: usize) -> (SocketAddr, Arc<Impatient>) {
    let counts = Arc::new(Impatient::default());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::clone(&counts);
    runtime().spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.connections.fetch_add(1, Ordering::SeqCst);
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                for _ in 0..answers {
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                            return;
                        }
                        request.push(byte[0]);
                    }
                    seen.requests.fetch_add(1, Ordering::SeqCst);
                    let answer = b"HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    (address, counts)
}

fn spec(address: SocketAddr, n: usize, more: &str) -> String {
    let one = |at: usize| {
        format!(
            "  - {{ name: test {at}, request: {{ url: \"http://{address}/\"{more} }}, response: {{ status: 200 }}, trace: none }}\n"
        )
    };
    format!("tests:\n{}", (0..n).map(one).collect::<String>())
}

#[test]
fn a_server_that_closes_idle_connections_fails_no_trigger() {
    let (address, counts) = impatient(1);
    Project::new("", &spec(address, 60, "")).run(&["--jobs", "3"]).exits(0);
    let [connections, requests] = [&counts.connections, &counts.requests].map(|count| count.load(Ordering::SeqCst));
    assert_eq!((connections, requests), (60, 60));
}

#[test]
fn a_server_that_would_keep_its_connections_gets_a_new_one_for_each_trigger() {
    let (address, counts) = impatient(usize::MAX);
    Project::new("", &spec(address, 20, "")).run(&["--jobs", "1"]).exits(0);
    assert_eq!(counts.requests.load(Ordering::SeqCst), 20);
    assert_eq!(counts.connections.load(Ordering::SeqCst), 20);
}

#[test]
fn a_connection_is_used_again_where_the_spec_says_so() {
    let (address, counts) = impatient(usize::MAX);
    Project::new("", &spec(address, 20, ", keep_alive: true")).run(&["--jobs", "1"]).exits(0);
    assert_eq!(counts.requests.load(Ordering::SeqCst), 20);
    assert_eq!(counts.connections.load(Ordering::SeqCst), 1);
}
