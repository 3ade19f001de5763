//! Who listens at a port of this machine, as far as the system lets us see.

/// The program that listens there, in words: `process 4242 (node server.js)`. `None` if that cannot be seen: it belongs to
/// somebody else, or the system has no such list.
#[cfg(target_os = "linux")]
pub(crate) fn listener(port: u16) -> Option<String> {
    let sockets: Vec<String> =
        ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().flat_map(|table| listening(table, port)).collect();
    if sockets.is_empty() {
        return None;
    }
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok()).find_map(|id| {
        let mut open = std::fs::read_dir(format!("/proc/{id}/fd")).ok()?.flatten();
        let is_it = |path: std::path::PathBuf| sockets.iter().any(|socket| path.as_os_str() == socket.as_str());
        open.any(|file| std::fs::read_link(file.path()).is_ok_and(is_it)).then(|| named(id))
    })
}

/// The sockets that listen at a port in one of the kernel's tables, as the links of open files name them.
#[cfg(target_os = "linux")]
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTENS: &str = "0A";
    let text = std::fs::read_to_string(table).unwrap_or_default();
    let here = format!(":{port:04X}");
    let socket = |line: &str| {
        let mut fields = line.split_whitespace();
        let (local, state) = (fields.nth(1)?, fields.nth(1)?);
        let inode = fields.nth(5)?;
        (local.ends_with(&here) && state == LISTENS).then(|| format!("socket:[{inode}]"))
    };
    text.lines().skip(1).filter_map(socket).collect()
}

#[cfg(target_os = "linux")]
fn named(id: u32) -> String {
    /// The most characters of a command line.
    const MOST: usize = 100;
    let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    match command.trim() {
        "" => format!("process {id}"),
        command => format!("process {id} ({})", crate::redact::cut(command, MOST)),
    }
}

/// Elsewhere there is no list that can be read without tools.
#[cfg(not(target_os = "linux"))]
pub(crate) fn listener(_: u16) -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn who_listens_is_found_by_the_port() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let found = super::listener(port).unwrap();
        assert!(found.starts_with(&format!("process {} (", std::process::id())), "{found}");
        drop(socket);
        assert_eq!(super::listener(port), None);
    }
}
