//! What this process has used, by Linux's own accounting, and the files that benches read.

#![allow(dead_code, reason = "each bench uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use traces::{Format, Options, System, write};

/// CPU seconds of the main thread so far; where Linux's accounting is not there, the clock's.
pub fn cpu() -> f64 {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let began = BEGAN.get_or_init(Instant::now);
    let spent = std::fs::read_to_string("/proc/self/schedstat");
    let spent = spent.ok().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    spent.map_or_else(|| began.elapsed().as_secs_f64(), |ns| ns / 1e9)
}

/// Bytes of memory as this process is charged for them; 0 where Linux's accounting is not there.
pub fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kib| kib << 10)
}

/// A file of one trace, or a folder of several, made where it is not there. It does not change, so it is kept between runs.
pub fn input(name: &str, format: Format, files: u64, spans: usize) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-read").join(name);
    if path.exists() {
        return path;
    }
    let system = System::new(&Options { seed: 7, services: 16, spans, ..Options::default() });
    let made = path.with_extension("part");
    let of = |number| write(format, &system, std::iter::once(system.trace(number)));
    if files == 1 {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&made, of(0)).unwrap();
    } else {
        std::fs::create_dir_all(&made).unwrap();
        (0..files).for_each(|number| std::fs::write(made.join(format!("{number:05}.trace")), of(number)).unwrap());
    }
    std::fs::rename(&made, &path).unwrap();
    path
}

/// This bench again, as a process of its own: on one core where that can be arranged, so that no second thread helps.
pub fn again(on_one_core: bool) -> Command {
    let own = std::env::current_exe().unwrap();
    let can = Command::new("taskset").args(["-c", "0", "true"]).status().is_ok_and(|status| status.success());
    if on_one_core && can {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(own);
        command
    } else {
        Command::new(own)
    }
}
