//! Ctrl-C, SIGTERM and SIGHUP (the terminal was closed): the first ends what is done in order, the second at once; the exit
//! code is 130.

/// Hears of the signals that ask this process to end, from when it is made: one that comes meanwhile is not lost.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

impl Interrupts {
    /// Listens from now on. Needs a tokio runtime.
    pub(crate) fn new() -> Interrupts {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            // What cannot be listened to ends this process as it always did.
            Interrupts { signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
        }
        #[cfg(not(unix))]
        Interrupts {}
    }

    /// Waits until the user or the system asks this process to end.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        {
            let any = std::future::poll_fn(|cx| {
                let came = self.signals.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
                if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            });
            any.await;
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
