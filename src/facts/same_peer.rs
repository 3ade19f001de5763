//! Whether two names of a peer mean the same one.

/// Whether a name that a spec writes (`wait.silent`) means this peer, a host with or without a port: one without a port
/// means every port of its host, and this machine has several names.
pub fn names_peer(name: &str, peer: &str) -> bool {
    if name.is_empty() || name == peer {
        return !name.is_empty();
    }
    let ((host, port), (peer_host, peer_port)) = (split(name), split(peer));
    let one_host = host.eq_ignore_ascii_case(peer_host) || (is_this_machine(host) && is_this_machine(peer_host));
    one_host && (port.is_none() || port == peer_port)
}

/// Host and port; an IPv6 address stands in brackets where a port follows.
fn split(peer: &str) -> (&str, Option<&str>) {
    if let Some(rest) = peer.strip_prefix('[')
        && let Some((host, rest)) = rest.split_once(']')
    {
        return (host, rest.strip_prefix(':'));
    }
    match peer.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host, Some(port))
        }
        _ => (peer, None),
    }
}

pub(super) fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_peer_match_and_those_of_others_do_not() {
        for (name, peer) in [
            ("gateway", "gateway"),
            ("gateway", "gateway:8080"),
            ("gateway:8080", "gateway:8080"),
            ("Gateway", "gateway:8080"),
            ("localhost:8080", "127.0.0.1:8080"),
            ("127.0.0.1:8080", "localhost:8080"),
            ("127.0.0.1", "localhost:8080"),
            ("[::1]:8080", "127.0.0.1:8080"),
            ("::1", "localhost:80"),
            ("127.0.0.2:1", "127.0.0.1:1"),
            ("2001:db8::1", "[2001:db8::1]:443"),
        ] {
            assert!(names_peer(name, peer), "{name} {peer}");
        }
        for (name, peer) in [
            ("", ""),
            ("", "gateway"),
            ("gateway", "gateway-2"),
            ("gateway:8080", "gateway:8081"),
            ("gateway:8080", "gateway"),
            ("localhost:8080", "127.0.0.1:9090"),
            ("localhost", "10.0.0.1"),
            ("2001:db8::1", "[2001:db8::2]:443"),
        ] {
            assert!(!names_peer(name, peer), "{name} {peer}");
        }
    }
}
