//! `tracespec serve`: an OTLP receiver that outlives a run, and can be read by id.

use super::args::ServeArgs;
use super::streams::{error, say};
use crate::engine::{Interrupts, exit};
use crate::matcher::count_of;
use crate::receiver::{Options, Receiver};

pub(crate) async fn serve(args: &ServeArgs) -> u8 {
    let mut interrupts = Interrupts::new();
    let options =
        Options { addresses: args.listen.clone(), memory: args.memory.saturating_mul(1 << 20), ..Options::default() };
    let receiver = match Receiver::start(&options).await {
        Ok(receiver) => receiver,
        Err(why) => {
            error(&why);
            return exit::ERROR;
        }
    };
    for address in receiver.addresses() {
        say(&format!("receiving OTLP (gRPC and HTTP) at {address}; read it as Tempo or as Jaeger at http://{address}"));
    }
    say("stop with Ctrl-C");
    interrupts.next().await;
    let counts = receiver.store().counts();
    receiver.stop().await;
    let held = count_of(counts.traces_held, "trace");
    say(&format!("received {}, and held {held} at the end", count_of(counts.spans, "span")));
    exit::PASSED
}
