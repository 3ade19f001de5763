//! The rules: their ids, how much they weigh, what they ask for and what to do.

/// How much a rule weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// 40
    Critical,
    /// 30
    Important,
    /// 20
    Normal,
    /// 10
    Low,
}

impl Impact {
    /// The lower-case word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Impact::Critical => "critical",
            Impact::Important => "important",
            Impact::Normal => "normal",
            Impact::Low => "low",
        }
    }
    /// What it counts for in the score.
    pub fn weight(self) -> u32 {
        match self {
            Impact::Critical => 40,
            Impact::Important => 30,
            Impact::Normal => 20,
            Impact::Low => 10,
        }
    }
}

macro_rules! rules {
    ($($name:ident $id:literal $impact:ident $doc:literal $remedy:literal)*) => {
        /// A rule. Those of the instrumentation score have its ids, our own are words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $doc] $name,)*
        }

        impl Rule {
            /// All of them: those of the score, then our own.
            pub const ALL: &'static [Rule] = &[$(Rule::$name),*];
            /// The ids of all of them, in the same order.
            pub const IDS: &'static [&'static str] = &[$($id),*];

            /// The id by which specs and reports name it.
            pub const fn id(self) -> &'static str {
                match self { $(Rule::$name => $id,)* }
            }
            /// How much it matters.
            pub const fn impact(self) -> Impact {
                match self { $(Rule::$name => Impact::$impact,)* }
            }
            /// What it asks for, in one sentence.
            pub const fn describes(self) -> &'static str {
                match self { $(Rule::$name => $doc,)* }
            }
            /// What to do where it is broken.
            pub const fn remedy(self) -> &'static str {
                match self { $(Rule::$name => $remedy,)* }
            }
        }
    };
}

rules! {
    Res001 "RES-001" Normal "Every resource has `service.instance.id`."
        "set it to a new UUID for each process: by the SDK's resource detector, or in OTEL_RESOURCE_ATTRIBUTES"
    Res002 "RES-002" Important "No two pods, containers or hosts of a service share a `service.instance.id`."
        "make the id anew for each process instead of configuring one for all"
    Res003 "RES-003" Important "What runs in a Kubernetes pod has `k8s.pod.uid`."
        "pass metadata.uid on through the downward API, or add the collector's k8sattributes processor"
    Res004 "RES-004" Important "Attributes of the conventions stand on the resource or on spans, as the conventions say."
        "set what describes the process on the resource, and what describes one operation on its span"
    Res005 "RES-005" Critical "Every resource has a `service.name`."
        "set OTEL_SERVICE_NAME"
    Spa001 "SPA-001" Normal "No service has more than 10 INTERNAL spans in one trace."
        "record only operations that someone asks about as spans; use events or attributes for the rest"
    Spa002 "SPA-002" Normal "No span names a parent that is not in the trace."
        "look for a service between the two that does not export, for sampling that differs, or for spans that were dropped"
    Spa003 "SPA-003" Important "No span's name holds ids, addresses or other data, which would make any number of names."
        "use the route or the template as the name (`GET /orders/{id}`), and put the value into an attribute"
    Spa004 "SPA-004" Important "No root is a CLIENT span."
        "start a SERVER or INTERNAL span for what causes the call, or pass its context on within the process"
    Spa005 "SPA-005" Important "No trace has more than 20 spans shorter than 5 ms."
        "instrument less finely, or join the calls"
    Sdk001 "SDK-001" Low "Language and runtime are of a version that the SDK supports."
        "upgrade the runtime, or keep to a version of the SDK that supports it"
    UnknownService "unknown_service" Critical "No service has the name that SDKs make up where none is set."
        "set OTEL_SERVICE_NAME"
    RenamedAttributes "renamed_attributes" Low "No attribute has a name that the conventions have replaced."
        "upgrade the instrumentation, or opt in to the current conventions with OTEL_SEMCONV_STABILITY_OPT_IN"
    ErrorType "error_type" Normal "A span that failed says with what kind of error: `error.type`, or an exception event."
        "set error.type to the exception's type or the status code"
    ServerErrorStatus "server_error_status" Important "A span with an HTTP status of 500 or more has the status Error."
        "set the span's status to Error where the answer is a 5xx"
    ClientErrorStatus "client_error_status" Normal "A SERVER span that answers 4xx does not have the status Error for that."
        "leave the status unset: the client made the mistake, and its own span says so"
    StatusMessage "status_message" Low "Only a span with the status Error has a status message."
        "set a message only beside the status Error"
    Secrets "secrets" Critical "No attribute holds a secret: a password, a token, a key."
        "remove the attribute where it is recorded, or in the collector, and replace the secret"
    PersonalData "personal_data" Important "No attribute holds personal data: an e-mail address, a card number, a phone number."
        "remove the attribute, or record a pseudonym such as user.hash"
}

impl Rule {
    /// The rule of this id.
    pub fn of_id(id: &str) -> Option<Rule> {
        Rule::ALL.iter().copied().find(|rule| rule.id() == id)
    }
    /// Whether it is one of the instrumentation score's.
    pub fn is_scored(self) -> bool {
        self <= Rule::Sdk001
    }
    /// Whether spans to come can keep it after all: a parent that is missing may still arrive.
    pub fn may_mend(self) -> bool {
        self == Rule::Spa002
    }
}
