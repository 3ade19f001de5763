#!/usr/bin/env python3
"""Whole processes of tracespec beside what they talk to: cold starts, a thousand tests, waiting, receiving.

benches/run.sh starts it: benches/system.py TRACESPEC SYSTEM [ROW…], the release binary and the compiled benches/system.rs. Prints rows of a
table: work, target, measured. CPU time (user and system) and peak memory are the kernel's accounting of each process; of several
runs the least counts. nginx and hurl 8.0.1 are used where they are installed (HURL names hurl's binary); rows that need them
say so where they are not. Figures are printed, never judged.
"""
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TRACESPEC, SYSTEM = (os.path.abspath(path) for path in sys.argv[1:3])
WANTED = sys.argv[3:]
WORK = tempfile.mkdtemp(prefix="tracespec-bench-")
# What the caller's environment says is not to be measured.
PLAIN = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}


def wanted(row):
    return not WANTED or any(word in row for word in WANTED)


def row(work, target, measured):
    print(f"| {work} | {target} | {measured} |", flush=True)


# A process' peak memory counts what it was before it became what it is, so that it is started by as little as can be.
START = """
import os, sys, time
since = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - since
os.write(1, f"\\n{os.waitstatus_to_exitcode(status)} {wall} {used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}".encode())
"""


def measure(command, folder=WORK, runs=1, codes=(0,)):
    """Wall and CPU seconds and peak MiB of a process, the least of several runs each."""
    best = None
    for _ in range(runs):
        with open(os.path.join(WORK, "output"), "w+") as output:
            started = [sys.executable, "-S", "-E", "-c", START, *command]
            child = subprocess.run(started, cwd=folder, env=PLAIN, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            output.seek(0)
            text, _, used = output.read().rpartition("\n")
            code, *figures = map(float, used.split())
            if code not in codes:
                sys.exit(f"{command} ended with {code:.0f}:\n{text[-2000:]}")
        best = figures if best is None else tuple(map(min, best, figures))
    return best


class Running:
    """A process that runs beside, stopped at the end."""

    def __init__(self, command, folder=WORK):
        self.child = subprocess.Popen(command, cwd=folder, env=PLAIN, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGINT)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def cpu(self):
        """CPU seconds so far."""
        ns = 0
        for task in glob.glob(f"/proc/{self.child.pid}/task/*/schedstat"):
            try:
                with open(task) as stat:
                    ns += int(stat.read().split()[0])
            except FileNotFoundError:
                pass
        return ns / 1e9

    def peak(self):
        """Peak MiB so far."""
        with open(f"/proc/{self.child.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def served():
    system = Running([SYSTEM, "serve"])
    return system, int(system.child.stdout.readline())


def free_port():
    with socket.socket() as at:
        at.bind(("127.0.0.1", 0))
        return at.getsockname()[1]


def ask(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return answer.read().decode()


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nobody listens at port {port}")


def folder(name, files, configuration=""):
    """A folder of specs with a configuration of its own, so that none above is found."""
    path = os.path.join(WORK, name)
    os.makedirs(os.path.join(path, "specs"))
    # Keeping what ran is not what is measured, and hurl keeps nothing.
    with open(os.path.join(path, "tracespec.yaml"), "w") as file:
        file.write(configuration or "vars: {}\n")
    for name, text in files:
        with open(os.path.join(path, name), "w") as file:
            file.write(text)
    return path


def spec(at, url, trace="none"):
    body = f"tests:\n  - name: test {at}\n    request: {{ method: GET, url: '{url}' }}\n    response: {{ status: 200 }}\n"
    return body + (f"    trace: {trace}\n" if trace else "")


def specs(count, url, trace="none"):
    return [(f"specs/t{at:04}.yaml", spec(at, url, trace)) for at in range(count)]


def cold_start(port):
    one = folder("cold", specs(1, f"http://127.0.0.1:{port}/plain"))
    for work, command in [("`list` on one spec", ["list"]), ("`run` of one HTTP-only test", ["run"])]:
        wall, cpu, peak = measure([TRACESPEC, *command], one, runs=20)
        row(f"cold start, {work}", "≤ 10 ms whole process, ≤ 20 MiB", f"{wall * 1e3:.1f} ms wall, {cpu * 1e3:.1f} ms CPU, {peak:.1f} MiB")


def nginx(port):
    binary = shutil.which("nginx") or ("/usr/sbin/nginx" if os.path.exists("/usr/sbin/nginx") else None)
    if not binary:
        return None
    path = os.path.join(WORK, "nginx.conf")
    with open(path, "w") as file:
        file.write(
            f"daemon off; pid {WORK}/nginx.pid; error_log /dev/null; worker_processes 1;\nevents {{ worker_connections 4096; }}\n"
            f"http {{ access_log off; keepalive_requests 100000; server {{ listen 127.0.0.1:{port}; return 200 '{{}}'; }} }}\n"
        )
    return Running([binary, "-p", WORK, "-c", path])


def thousand_http(runs=3):
    work, target = "1,000 HTTP-only tests, one file each, against nginx", "≤ 0.5 × `hurl --test` in wall and CPU, ≤ 25 MiB"
    port = free_port()
    server = nginx(port)
    if server is None:
        return row(work, target, "skipped: nginx is not installed")
    with server:
        wait_for(port)
        url = f"http://127.0.0.1:{port}/"
        own = folder("http", specs(1000, url))
        hurl = os.environ.get("HURL") or shutil.which("hurl")
        for at in range(1000):
            with open(os.path.join(own, f"t{at:04}.hurl"), "w") as file:
                file.write(f"GET {url}\nHTTP 200\n")
        files = [f"t{at:04}.hurl" for at in range(1000)]
        mine = theirs = None
        # In turn, so that what else the machine does meets both.
        for _ in range(runs):
            here = measure([TRACESPEC, "run"], own)
            mine = here if mine is None else tuple(map(min, mine, here))
            if hurl:
                there = measure([hurl, "--test", *files], own)
                theirs = there if theirs is None else tuple(map(min, theirs, there))
        measured = f"{mine[0]:.2f} s wall, {mine[1]:.2f} s CPU, {mine[2]:.1f} MiB"
        if theirs:
            measured += f"; hurl {theirs[0]:.2f} s, {theirs[1]:.2f} s, {theirs[2]:.1f} MiB: {mine[0] / theirs[0]:.2f} × wall, {mine[1] / theirs[1]:.2f} × CPU"
        else:
            measured += "; no ratio: hurl is not installed (cargo install hurl --version 8.0.1)"
        row(work, target, measured)


def thousand_traces(port, runs=3):
    into = free_port()
    configuration = f"backend: {{ receiver: {{ http: '127.0.0.1:{into}' }} }}\nexporter_delay: 200ms\n"
    traced = folder("traced", specs(1000, f"http://127.0.0.1:{port}/traced/{into}", "{ span_count: 20, errors: none }"), configuration)
    plain = folder("plain", specs(1000, f"http://127.0.0.1:{port}/plain"))
    with_traces, without = measure([TRACESPEC, "run"], traced, runs, codes=(0, 1)), measure([TRACESPEC, "run"], plain, runs)
    more = with_traces[1] - without[1]
    row("1,000 tests with a 20-span trace each, embedded receiver", "≤ 1 ms CPU a test beyond the HTTP-only run",
        f"{more:.2f} ms a test ({with_traces[1]:.2f} s CPU, {without[1]:.2f} s without traces), {with_traces[0]:.1f} s wall, {with_traces[2]:.0f} MiB")


def waiting(port, runs=3):
    for backend in ["jaeger", "tempo"]:
        configuration = f"backend: {{ {backend}: {{ url: 'http://127.0.0.1:{port}' }} }}\nexporter_delay: 1s\nwait: {{ timeout: 60s }}\n"
        own = folder(backend, specs(500, f"http://127.0.0.1:{port}/plain", "{ span_count: 20 }"), configuration)
        shares, counts, most, codes = [], [], 0, set()
        for _ in range(runs):
            ask(f"http://127.0.0.1:{port}/queries")
            with Running([TRACESPEC, "run"], own) as run:
                # All requests are sent, and no trace is there before eight seconds.
                time.sleep(3)
                before, at = run.cpu(), time.perf_counter()
                most = max(most, int(ask(f"http://127.0.0.1:{port}/queries").split()[1]))
                time.sleep(3)
                shares.append((run.cpu() - before) / (time.perf_counter() - at))
                queries, in_flight = map(int, ask(f"http://127.0.0.1:{port}/queries").split())
                counts.append(queries)
                run.child.stdout.read()
                codes.add(run.child.wait(120))
            most = max(most, in_flight, int(ask(f"http://127.0.0.1:{port}/queries").split()[1]))
        said = ", ".join(f"{share * 100:.1f}" for share in sorted(shares))
        row(f"500 tests waiting at once on {backend.title()}", "≤ 32 requests in flight, ≤ 5% of a core while waiting",
            f"{said}% of a core, at most {most} in flight, {max(counts) / 3:.0f} queries/s, exit codes {sorted(codes)}")


def receiving(runs=3):
    for protocol, target, spans in [("http", "≥ 500,000 spans/s on one core", 1_000_000), ("grpc", "≥ 200,000 spans/s on one core", 500_000)]:
        seconds, busy, rejected, peak = [], 0, 0, 0
        for _ in range(runs):
            into = free_port()
            with Running([TRACESPEC, "serve", "--listen", f"127.0.0.1:{into}"]) as receiver:
                wait_for(into)
                before = receiver.cpu()
                sent = subprocess.run([SYSTEM, "send", f"http://127.0.0.1:{into}", protocol, str(spans), "4"], env=PLAIN, capture_output=True, text=True)
                if sent.returncode:
                    sys.exit(sent.stderr)
                seconds.append(receiver.cpu() - before)
                _, now_busy, now_rejected = sent.stdout.split()
                busy, rejected, peak = busy + int(now_busy), rejected + int(now_rejected), max(peak, receiver.peak())
        said = ", ".join(f"{spans / cpu:,.0f}" for cpu in sorted(seconds))
        row(f"receiving, {'HTTP protobuf' if protocol == 'http' else 'gRPC gzip'}", f"{target}, bounded memory, back-pressure, not loss",
            f"{said} spans a CPU second ({spans:,} spans), {busy} requests told to come again, {rejected} spans rejected, peak {peak:.0f} MiB")


def main():
    if wanted("http"):
        thousand_http()
    if wanted("receiving"):
        receiving()
    rows = [("cold", cold_start), ("traces", thousand_traces), ("waiting", waiting)]
    if any(wanted(name) for name, _ in rows):
        system, port = served()
        with system:
            for name, measured in rows:
                if wanted(name):
                    measured(port)


try:
    main()
finally:
    shutil.rmtree(WORK, ignore_errors=True)
