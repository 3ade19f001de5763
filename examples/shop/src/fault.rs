//! The faults a request may ask for, and the headers that carry such wishes from service to service.

/// A way to misbehave, named in the request header `x-fault` (a list, separated by commas).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// inventory-service asks its database once a shelf instead of once a reservation.
    NPlusOne,
    /// payment-service takes 3.2 s longer.
    SlowPayment,
    /// payment-service refuses the card.
    Declined,
    /// order-service makes a call that fails and goes on as if nothing had happened.
    SwallowedError,
    /// order-service reserves one item after another instead of all at once.
    Sequential,
    /// order-service reserves stock before the card is charged.
    ReserveBeforeCharge,
    /// order-service confirms without asking inventory-service at all.
    MissingService,
    /// order-service calls inventory-service without handing the trace context on.
    LostContext,
    /// order-service takes its first charge for failed and charges again.
    ExtraRetry,
}

impl Fault {
    const ALL: [(&'static str, Self); 9] = [
        ("n_plus_one", Self::NPlusOne),
        ("slow_payment", Self::SlowPayment),
        ("declined", Self::Declined),
        ("swallowed_error", Self::SwallowedError),
        ("sequential", Self::Sequential),
        ("reserve_before_charge", Self::ReserveBeforeCharge),
        ("missing_service", Self::MissingService),
        ("lost_context", Self::LostContext),
        ("extra_retry", Self::ExtraRetry),
    ];
}

/// Header that switches faults on.
pub(crate) const FAULT_HEADER: &str = "x-fault";
/// Header that, with the value `link`, makes the queue's consumer start a trace of its own.
pub(crate) const QUEUE_HEADER: &str = "x-queue";

/// What a request asked for beyond its business; handed on with every call it causes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    faults: Vec<Fault>,
    link_only: bool,
}

impl Wishes {
    /// Reads the two headers. An unknown word is an error: a mistyped fault would otherwise pass for a healthy shop.
    pub(crate) fn parse(fault: Option<&str>, queue: Option<&str>) -> Result<Self, String> {
        let mut faults = Vec::new();
        for word in fault.unwrap_or_default().split(',').map(str::trim) {
            if word.is_empty() || word == "none" {
                continue;
            }
            let known = Fault::ALL.iter().find(|(name, _)| *name == word);
            let (_, fault) = known.ok_or_else(|| {
                let names = Fault::ALL.map(|(name, _)| name).join(", ");
                format!("unknown fault `{word}` in {FAULT_HEADER}; there are none, {names}")
            })?;
            faults.push(*fault);
        }
        let link_only = match queue.map(str::trim) {
            None | Some("" | "parent") => false,
            Some("link") => true,
            Some(other) => {
                return Err(format!("unknown value `{other}` in {QUEUE_HEADER}; there are parent, link"));
            }
        };
        Ok(Self { faults, link_only })
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    pub(crate) fn link_only(&self) -> bool {
        self.link_only
    }

    /// The headers that hand these wishes on.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if !self.faults.is_empty() {
            let asked = |fault: &Fault| self.has(*fault);
            let names: Vec<&str> = Fault::ALL.iter().filter(|(_, fault)| asked(fault)).map(|(name, _)| *name).collect();
            headers.push((FAULT_HEADER, names.join(",")));
        }
        if self.link_only {
            headers.push((QUEUE_HEADER, "link".into()));
        }
        headers
    }
}
