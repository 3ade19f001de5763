//! Processes that a supervisor left because it was killed itself. They have its mark in their environment, so that no
//! stranger is taken for one of them.

/// How long they may take to end after they were asked to.
#[cfg(target_os = "linux")]
const GRACE: std::time::Duration = std::time::Duration::from_secs(4);

/// Ends all processes of this machine that bear the mark; says how many there were, and `None` where they cannot be found.
#[cfg(target_os = "linux")]
pub(super) async fn end(run: &str) -> Option<usize> {
    use rustix::process::Signal;
    let mut ended = std::collections::BTreeSet::new();
    let until = std::time::Instant::now() + GRACE;
    loop {
        let late = std::time::Instant::now() >= until;
        let left = marked(run);
        if left.is_empty() {
            return Some(ended.len());
        }
        for id in left {
            if ended.insert(id) || late {
                signal(id, run, if late { Signal::KILL } else { Signal::TERM });
            }
        }
        if std::time::Instant::now() >= until + GRACE {
            return Some(ended.len());
        }
        // Of what is no child of ours there is no notification.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) async fn end(_: &str) -> Option<usize> {
    None
}

#[cfg(target_os = "linux")]
fn marked(run: &str) -> Vec<i32> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| bears(*id, run)).collect()
}

/// Whether the resource attributes in a process' environment are of this run. One that has ended has none any more.
#[cfg(target_os = "linux")]
fn bears(id: i32, run: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
    let mark = format!("{}={run}", crate::facts::RUN_ATTRIBUTE);
    environment.split(|byte| *byte == 0).any(|variable| {
        let attributes = variable.strip_prefix(b"OTEL_RESOURCE_ATTRIBUTES=");
        attributes.is_some_and(|all| all.split(|byte| *byte == b',').any(|one| one == mark.as_bytes()))
    })
}

/// Looks at the process once more while its number cannot become another's.
#[cfg(target_os = "linux")]
fn signal(id: i32, run: &str, signal: rustix::process::Signal) {
    use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
    let Some(held) = Pid::from_raw(id).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else { return };
    if bears(id, run) {
        // It may have ended just now.
        let _ = pidfd_send_signal(&held, signal);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::Command;

    #[tokio::test]
    async fn those_with_the_mark_are_ended_and_no_others() {
        let sleeps = |attributes: &str| {
            Command::new("sleep").arg("1000").env("OTEL_RESOURCE_ATTRIBUTES", attributes).spawn().unwrap()
        };
        let mark = format!("{:016x}", fastrand::u64(..));
        let mut other = sleeps(&format!("tracespec.run={mark}0"));
        let mut own = sleeps(&format!("a=b,tracespec.run={mark},tracespec.process=x"));
        let reaped = std::thread::spawn(move || own.wait().unwrap());
        assert_eq!(end(&mark).await, Some(1));
        assert!(!reaped.join().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(end(&mark).await, Some(0));
    }
}
