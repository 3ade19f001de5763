#!/usr/bin/env python3
"""Writes evaluations.tsv: for each query over a recorded trace, the spans that it must pick.

The expectations are Python conditions over the recorded JSON, written beside each query by hand; nothing here knows
TraceQL. Run it in this folder when a case is added: python3 expect.py > evaluations.tsv
"""
import base64, json, math, os, re, sys

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURED = HERE + "/../fixtures/captured/"
SHARED = HERE + "/../../../shared/fixtures/"


class Span:
    pass


def any_value(v):
    (kind, value), = v.items() if v else [("none", None)]
    if kind == "intValue":
        return int(value)
    if kind == "doubleValue":
        return float(value)
    if kind == "arrayValue":
        return [any_value(item) for item in value.get("values", [])]
    if kind in ("kvlistValue", "bytesValue"):
        return ("opaque",)
    return value


def attributes(list_):
    return {a["key"]: any_value(a.get("value", {})) for a in list_ or []}


def hex_id(text):
    if not text:
        return ""
    return text if re.fullmatch("[0-9a-f]{16}|[0-9a-f]{32}", text) else base64.b64decode(text).hex()


def otlp(path):
    document = json.load(open(path))
    document = document.get("trace", document)
    kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"]
    codes = ["unset", "ok", "error"]
    spans = []
    for group in document.get("resourceSpans") or document["batches"]:
        for scope in group["scopeSpans"]:
            for raw in scope["spans"]:
                s = Span()
                s.id, s.parent = hex_id(raw["spanId"]), hex_id(raw.get("parentSpanId"))
                s.name = raw["name"]
                kind = raw.get("kind", 0)
                s.kind = kinds[kind] if isinstance(kind, int) else kind[len("SPAN_KIND_"):].lower()
                code = raw.get("status", {}).get("code", 0)
                s.status = codes[code] if isinstance(code, int) else code[len("STATUS_CODE_"):].lower()
                s.message = raw.get("status", {}).get("message", "")
                s.start = int(raw["startTimeUnixNano"])
                s.duration = int(raw["endTimeUnixNano"]) - s.start
                # A span that ends before it starts has no duration that anyone knows: no comparison with it holds.
                s.duration = s.duration if s.duration >= 0 else math.nan
                s.a = attributes(raw.get("attributes"))
                s.r = attributes(group["resource"].get("attributes"))
                s.scope = scope.get("scope", {}).get("name", "")
                s.version = scope.get("scope", {}).get("version", "")
                s.scope_a = attributes(scope.get("scope", {}).get("attributes"))
                s.events = [
                    (e["name"], int(e["timeUnixNano"]) - s.start, attributes(e.get("attributes")))
                    for e in raw.get("events", [])
                ]
                s.links = [(hex_id(l["traceId"]), hex_id(l["spanId"]), attributes(l.get("attributes"))) for l in raw.get("links", [])]
                spans.append(s)
    return spans


def jaeger(path):
    document = json.load(open(path))
    trace = document["data"][0] if "data" in document else document
    spans = []
    for raw in trace["spans"]:
        s = Span()
        s.id = raw["spanID"]
        s.parent = next((r["spanID"] for r in raw["references"] if r["refType"] == "CHILD_OF"), "")
        s.name, s.start, s.duration = raw["operationName"], raw["startTime"] * 1000, raw["duration"] * 1000
        s.a = {t["key"]: t["value"] for t in raw["tags"]}
        s.r = {"service.name": trace["processes"][raw["processID"]]["serviceName"]}
        s.kind = s.a.get("span.kind", "unspecified")
        s.events = [({f["key"]: f["value"] for f in log["fields"]}).get("event", "") for log in raw["logs"]]
        spans.append(s)
    return spans


class Trace:
    def __init__(self, spans):
        self.spans = spans
        self.by_id = {s.id: s for s in spans}
        tops = [s for s in spans if s.parent not in self.by_id]
        roots = [s for s in tops if not s.parent]
        # The runner's caller is not in the file: a lone top is the root.
        self.roots = roots or (tops if len(tops) == 1 else [])

    def parent(self, s):
        return self.by_id.get(s.parent)

    def children(self, s):
        return [c for c in self.spans if c.parent == s.id]

    def above(self, s):
        out = []
        while self.parent(s):
            s = self.parent(s)
            out.append(s)
        return out

    def connected(self, s):
        return (self.above(s) or [s])[-1] in self.roots

    def below(self, s):
        return [d for d in self.spans if s in self.above(d)]

    def siblings(self, s):
        if s in self.roots:
            return [r for r in self.roots if r is not s]
        if not self.parent(s):
            return []
        return [c for c in self.children(self.parent(s)) if c is not s]


FILES = {
    "ok": lambda: otlp(CAPTURED + "shop/tempo_v2_ok.json"),
    "declined": lambda: otlp(CAPTURED + "shop/tempo_v2_declined.json"),
    "types": lambda: otlp(CAPTURED + "otlp_request.json"),
    "demo": lambda: jaeger(SHARED + "victoriatraces/otel_demo_checkout_46spans.json"),
}
T = {name: Trace(read()) for name, read in FILES.items()}
CASES = []


def case(trace, query, pick):
    """pick: a condition on a span (and its trace), or a list of spans."""
    t = T[trace]
    found = [s for s in t.spans if pick(s, t)] if callable(pick) else pick
    CASES.append((trace, query, sorted({s.id for s in found})))


def svc(s):
    return s.r.get("service.name")


def both(t, one, other, relation, want):
    """The pairs of `one` and `other` in a relation, as the side(s) wanted."""
    left = [s for s in t.spans if one(s)]
    right = [s for s in t.spans if other(s)]
    hit_right = [b for b in right if any(relation(a, b) for a in left)]
    hit_left = [a for a in left if any(relation(a, b) for b in right)]
    return {"": hit_right, "!": [b for b in right if b not in hit_right], "&": hit_left + hit_right}[want]


everything = lambda s: True
MS = 1_000_000

for name in T:
    case(name, "{ }", lambda s, t: True)
    case(name, "{ true }", lambda s, t: True)
    case(name, "{ false }", lambda s, t: False)
    case(name, "{ nestedSetParent < 0 }", lambda s, t: s in t.roots)
    case(name, "{ nestedSetLeft = 1 }", lambda s, t: s in t.roots)
    case(name, "{ nestedSetRight = nestedSetLeft + 1 }", lambda s, t: t.connected(s) and not t.children(s))
    case(name, "{ span:childCount = 0 }", lambda s, t: not t.children(s))
    case(name, "{ span:childCount >= 2 }", lambda s, t: len(t.children(s)) >= 2)
    case(name, "{ kind = server }", lambda s, t: s.kind == "server")
    case(name, "{ span:kind != client }", lambda s, t: s.kind != "client")
    case(name, "{ kind = client && duration > 5ms }", lambda s, t: s.kind == "client" and s.duration > 5 * MS)
    case(name, "{ duration < 1ms || duration > 20ms }", lambda s, t: s.duration < MS or s.duration > 20 * MS)
    case(name, "{ name =~ \".*[Oo]rder.*\" }", lambda s, t: re.search("[Oo]rder", s.name))
    case(name, "{ name !~ \".*[Oo]rder.*\" }", lambda s, t: not re.search("[Oo]rder", s.name))
    case(name, "{ } > { }", lambda s, t: t.connected(s) and t.parent(s))
    case(name, "{ } !> { }", lambda s, t: not (t.connected(s) and t.parent(s)))
    case(name, "{ } < { }", lambda s, t: t.connected(s) and t.children(s))
    case(name, "{ } !< { }", lambda s, t: not (t.connected(s) and t.children(s)))
    case(name, "{ } ~ { }", lambda s, t: t.connected(s) and t.siblings(s))
    case(name, "{ } !~ { }", lambda s, t: not (t.connected(s) and t.siblings(s)))
    case(name, "{ kind = server } >> { kind = server }", lambda s, t: s.kind == "server" and t.connected(s) and any(a.kind == "server" for a in t.above(s)))
    case(name, "{ kind = server } !>> { kind = server }", lambda s, t: s.kind == "server" and not (t.connected(s) and any(a.kind == "server" for a in t.above(s))))
    case(name, "{ kind = client } << { kind = server }", lambda s, t: s.kind == "server" and t.connected(s) and any(d.kind == "client" for d in t.below(s)))
    case(name, "{ kind = client } &> { kind = server }", [x for t in [T[name]] for x in both(t, lambda s: s.kind == "client", lambda s: s.kind == "server", lambda a, b: t.connected(a) and t.parent(b) is a, "&")])
    case(name, "{ span:parentID = \"0000000000000000\" }", lambda s, t: s.parent == "")
    case(name, "{ span:parentID = \"\" }", lambda s, t: False)
    case(name, "{ span:parentID != \"0000000000000000\" }", lambda s, t: s.parent != "")
    case(name, "{ } | count() > 10", lambda s, t: len(t.spans) > 10)
    case(name, "{ } | by(resource.service.name) | count() >= 4", lambda s, t: sum(svc(o) == svc(s) for o in t.spans) >= 4)
    case(name, "{ } | by(name) | count() > 1", lambda s, t: sum(o.name == s.name for o in t.spans) > 1)
    case(name, "{ kind = server } | avg(duration) > 10ms", lambda s, t: s.kind == "server" and sum(o.duration for o in t.spans if o.kind == "server") / sum(o.kind == "server" for o in t.spans) > 10 * MS)
    case(name, "{ } | max(duration) > 40ms | { kind = internal }", lambda s, t: max(o.duration for o in t.spans) > 40 * MS and s.kind == "internal")
    case(name, "{ traceDuration > 10ms }", lambda s, t: max(o.start + o.duration for o in t.spans) - min(o.start for o in t.spans) > 10 * MS)
    case(name, "{ rootName = name }", lambda s, t: bool(t.roots) and s.name == t.roots[0].name)
    case(name, "{ trace:rootService = resource.service.name }", lambda s, t: bool(t.roots) and svc(s) == svc(t.roots[0]))

for name in ["ok", "declined"]:
    case(name, "{ resource.service.name = \"payment-service\" }", lambda s, t: svc(s) == "payment-service")
    case(name, "{ .service.name = \"order-service\" && kind = internal }", lambda s, t: svc(s) == "order-service" and s.kind == "internal")
    case(name, "{ span.service.name = \"order-service\" }", lambda s, t: False)
    case(name, "{ name = \"authorize\" }", lambda s, t: s.name == "authorize")
    case(name, "{ status = error }", lambda s, t: s.status == "error")
    case(name, "{ status != error }", lambda s, t: s.status != "error")
    case(name, "{ statusMessage != \"\" }", lambda s, t: s.message != "")
    case(name, "{ span.http.status_code >= 400 }", lambda s, t: isinstance(s.a.get("http.status_code"), int) and s.a["http.status_code"] >= 400)
    case(name, "{ span.http.status_code = \"200\" }", lambda s, t: False)
    case(name, "{ span.http.status_code < 300 && span.http.method = \"POST\" }", lambda s, t: s.a.get("http.status_code", 999) < 300 and s.a.get("http.method") == "POST")
    case(name, "{ span.http.status_code = nil }", lambda s, t: "http.status_code" not in s.a)
    case(name, "{ nil != span.payment.method }", lambda s, t: "payment.method" in s.a)
    case(name, "{ !(span.http.method = \"POST\") }", lambda s, t: s.a.get("http.method") != "POST")
    case(name, "{ span.http.method != \"POST\" }", lambda s, t: "http.method" in s.a and s.a["http.method"] != "POST")
    case(name, "{ span.http.url =~ \"http://127.0.0.1:810[23]/.*\" }", lambda s, t: re.fullmatch("http://127.0.0.1:810[23]/.*", s.a.get("http.url", "")))
    case(name, "{ span.http.url =~ \"reserve\" }", lambda s, t: False)
    case(name, "{ span.http.url !~ \".*reserve\" }", lambda s, t: "http.url" in s.a and not s.a["http.url"].endswith("reserve"))
    case(name, "{ span.net.host.port - 8100 >= 1 }", lambda s, t: isinstance(s.a.get("net.host.port"), int) and s.a["net.host.port"] >= 8101)
    case(name, "{ span.net.host.port % 2 = 0 }", lambda s, t: isinstance(s.a.get("net.host.port"), int) and s.a["net.host.port"] % 2 == 0)
    case(name, "{ span.http.target = span.http.route }", lambda s, t: "http.target" in s.a and s.a["http.target"] == s.a.get("http.route"))
    case(name, "{ instrumentation:name = \"opentelemetry.instrumentation.flask\" }", lambda s, t: s.scope == "opentelemetry.instrumentation.flask")
    case(name, "{ instrumentation:version = \"\" }", lambda s, t: s.version == "")
    case(name, "{ resource.service.name = \"order-service\" } >> { resource.service.name = \"inventory-service\" }", lambda s, t: svc(s) == "inventory-service" and any(svc(a) == "order-service" for a in t.above(s)))
    case(name, "{ name = \"charge_payment\" } ~ { name = \"reserve_inventory\" }", lambda s, t: s.name == "reserve_inventory" and any(o.name == "charge_payment" for o in t.siblings(s)))
    case(name, "{ name = \"process_order\" } > { }", lambda s, t: t.parent(s) is not None and t.parent(s).name == "process_order")
    case(name, "{ kind = client } !< { kind = server }", lambda s, t: s.kind == "server" and not any(c.kind == "client" for c in t.children(s)))
    case(name, "{ name = \"authorize\" } << { resource.service.name = \"api-gateway\" }", lambda s, t: svc(s) == "api-gateway" and any(d.name == "authorize" for d in t.below(s)))
    case(name, "{ span.db.system = \"postgresql\" } | count() = 2", lambda s, t: s.a.get("db.system") == "postgresql" and sum(o.a.get("db.system") == "postgresql" for o in t.spans) == 2)
    case(name, "{ span.db.system = \"postgresql\" } && { name = \"authorize\" }", lambda s, t: any(o.a.get("db.system") == "postgresql" for o in t.spans) and any(o.name == "authorize" for o in t.spans) and (s.a.get("db.system") == "postgresql" or s.name == "authorize"))
    case(name, "{ name = \"nothing\" } && { }", lambda s, t: False)
    case(name, "{ name = \"nothing\" } || { status = error }", lambda s, t: s.status == "error")
    case(name, "{ kind = server } | by(resource.service.name) | max(duration) < 10ms", lambda s, t: s.kind == "server" and max(o.duration for o in t.spans if o.kind == "server" and svc(o) == svc(s)) < 10 * MS)
    case(name, "{ kind = client } | sum(duration) > 80ms", lambda s, t: s.kind == "client" and sum(o.duration for o in t.spans if o.kind == "client") > 80 * MS)
    case(name, "{ } | min(span.http.status_code) = 200", lambda s, t: min(o.a["http.status_code"] for o in t.spans if "http.status_code" in o.a) == 200)
    case(name, "{ event:name = \"exception\" }", lambda s, t: any(e[0] == "exception" for e in s.events))
    case(name, "({ kind = server } | count() > 2) && ({ kind = client } | count() > 2)", lambda s, t: s.kind in ("server", "client") and sum(o.kind == "server" for o in t.spans) > 2 and sum(o.kind == "client" for o in t.spans) > 2)
    case(name, "{ span:parentID = \"00f067aa0ba902b7\" }", lambda s, t: s.parent == "00f067aa0ba902b7")
    case(name, "{ nestedSetParent = 1 }", lambda s, t: t.parent(s) in t.roots and bool(t.parent(s)))
    case(name, "{ .deployment.environment = \"test\" } | by(.service.name) | coalesce() | count() > 5", lambda s, t: len(t.spans) > 5)
    case(name, "{ duration > 1ms && duration < 10ms } | select(name, span.db.system)", lambda s, t: MS < s.duration < 10 * MS)

case("ok", "{ span:id = \"c461a7e1b0e4aae6\" }", lambda s, t: s.id == "c461a7e1b0e4aae6")
case("ok", "{ trace:id = \"05b8efff798038103d269b633813fc60c\" || trace:id = \"5b8efff798038103d269b633813fc60c\" }", lambda s, t: True)
case("ok", "{ span.order.status = \"completed\" }", lambda s, t: s.a.get("order.status") == "completed")
case("ok", "{ span.order.item_count * 1.5 = 3 }", lambda s, t: s.a.get("order.item_count") == 2)

is_ = lambda key, test: (lambda s, t: key in s.a and test(s.a[key]))
one = "types"
case(one, "{ span.i = 9223372036854775807 }", is_("i", lambda v: v == 2**63 - 1))
case(one, "{ span.i = maxInt }", is_("i", lambda v: v == 2**63 - 1))
case(one, "{ span.i < maxInt }", lambda s, t: False)
case(one, "{ span.i_num = 42.0 }", is_("i_num", lambda v: v == 42))
case(one, "{ span.d_int = 1 }", is_("d_int", lambda v: v == 1))
case(one, "{ span.d > 0.09 && span.d <= 0.1 }", is_("d", lambda v: 0.09 < v <= 0.1))
case(one, "{ span.b }", lambda s, t: False)
case(one, "{ !span.b }", is_("b", lambda v: v is False))
case(one, "{ span.b = false }", is_("b", lambda v: v is False))
case(one, "{ span.empty_s = \"\" }", is_("empty_s", lambda v: v == ""))
case(one, "{ span.arr = \"b\" }", is_("arr", lambda v: "b" in v))
case(one, "{ span.arr != \"b\" }", lambda s, t: False)
case(one, "{ span.arr != \"c\" }", is_("arr", lambda v: "c" not in v))
case(one, "{ span.arr =~ \"[xb]\" }", is_("arr", lambda v: any(re.fullmatch("[xb]", i) for i in v)))
case(one, "{ span.arr !~ \"[xy]\" }", is_("arr", lambda v: not any(re.fullmatch("[xy]", i) for i in v)))
# An array of mixed types is there, and no comparison with it holds.
case(one, "{ \"a\" = span.arr_mixed || span.arr_mixed = 1 }", lambda s, t: False)
case(one, "{ span.arr_mixed != \"z\" }", lambda s, t: False)
case(one, "{ span.arr_mixed !~ \"z\" }", lambda s, t: False)
case(one, "{ span.arr_mixed != nil }", is_("arr_mixed", lambda v: True))
# Without a scope it is the span's attribute or the resource's.
case(one, "{ .k = \"v\" }", lambda s, t: s.a.get("k", s.r.get("k")) == "v")
case(one, "{ .k != nil }", lambda s, t: "k" in s.a or "k" in s.r)
case(one, "{ .lk = \"lv\" }", lambda s, t: s.a.get("lk", s.r.get("lk")) == "lv")
case(one, "{ .sa = nil }", lambda s, t: "sa" not in s.a and "sa" not in s.r)
case(one, "{ span.arr + 1 = 2 }", lambda s, t: False)
case(one, "{ span.bytes != nil && span.kv != nil }", is_("bytes", lambda v: True))
case(one, "{ span.bytes = \"AAEC/w==\" }", lambda s, t: False)
case(one, "{ span.nil = nil }", lambda s, t: s.a.get("nil") is None)
case(one, "{ span.nan = span.nan }", lambda s, t: False)
case(one, "{ span.nan > 0 || span.nan <= 0 }", lambda s, t: False)
case(one, "{ statusMessage = \"boom\" }", lambda s, t: s.message == "boom")
case(one, "{ status = ok }", lambda s, t: s.status == "ok")
case(one, "{ status = unset }", lambda s, t: s.status == "unset")
case(one, "{ kind = unspecified }", lambda s, t: s.kind == "unspecified")
case(one, "{ event:name = \"zeta\" }", lambda s, t: any(e[0] == "zeta" for e in s.events))
case(one, "{ event:name = \"zeta\" && event.k = \"v\" }", lambda s, t: any(e[0] == "zeta" and e[2].get("k") == "v" for e in s.events))
case(one, "{ event:name = \"alpha\" && event.k = \"v\" }", lambda s, t: any(e[0] == "alpha" and e[2].get("k") == "v" for e in s.events))
case(one, "{ event:timeSinceStart > 6ns }", lambda s, t: any(e[1] > 6 for e in s.events))
case(one, "{ event.k = nil }", lambda s, t: not any("k" in e[2] for e in s.events))
case(one, "{ link:spanID = \"eeeeeeeeeeeeeeee\" }", lambda s, t: any(l[1] == "e" * 16 for l in s.links))
case(one, "{ link:traceID = \"ffffffffffffffffffffffffffffffff\" && link.lk = \"lv\" }", lambda s, t: any(l[0] == "f" * 32 and l[2].get("lk") == "lv" for l in s.links))
case(one, "{ instrumentation.sa = \"sv\" }", lambda s, t: s.scope_a.get("sa") == "sv")
case(one, "{ instrumentation:name = \"lib.a\" && instrumentation:version = \"1.2\" }", lambda s, t: s.scope == "lib.a" and s.version == "1.2")
case(one, "{ resource.host.name =~ \"h-.*\" }", lambda s, t: re.fullmatch("h-.*", s.r.get("host.name", "")))
case(one, "{ .host.name = \"h-back\" }", lambda s, t: s.r.get("host.name") == "h-back")
case(one, "{ duration = 0ns }", lambda s, t: s.duration == 0)
case(one, "{ duration >= 10100us }", lambda s, t: s.duration >= 10_100_000)
case(one, "{ duration = 10000123ns }", lambda s, t: s.duration == 10_000_123)
case(one, "{ span:parentID = \"00000000000000ff\" }", lambda s, t: s.parent == "00000000000000ff")
case(one, "{ nestedSetLeft = 0 }", lambda s, t: not t.connected(s))

demo = "demo"
case(demo, "{ resource.service.name = \"checkout\" }", lambda s, t: svc(s) == "checkout")
case(demo, "{ resource.service.name =~ \"cart|email\" }", lambda s, t: svc(s) in ("cart", "email"))
case(demo, "{ resource.service.name = \"checkout\" } > { resource.service.name = \"cart\" }", lambda s, t: svc(s) == "cart" and t.parent(s) is not None and svc(t.parent(s)) == "checkout")
case(demo, "{ resource.service.name = \"frontend\" } >> { resource.service.name = \"currency\" }", lambda s, t: svc(s) == "currency" and any(svc(a) == "frontend" for a in t.above(s)))
case(demo, "{ span.http.response.status_code = \"200\" }", lambda s, t: s.a.get("http.response.status_code") == "200")
# This backend tells every attribute as text, so a number is what the text says.
case(demo, "{ span.http.response.status_code = 200 }", lambda s, t: s.a.get("http.response.status_code") == "200")
case(demo, "{ span.http.response.status_code > 200 }", lambda s, t: s.a.get("http.response.status_code", "0") not in ("0", "200"))
case(demo, "{ event:name =~ \".*quote.*\" }", lambda s, t: any(re.search("quote", e) for e in s.events))
case(demo, "{ span.app.email.recipient != nil } << { }", lambda s, t: any("app.email.recipient" in d.a for d in t.below(s)))
case(demo, "{ } | by(resource.service.name) | max(duration) > 100ms", lambda s, t: max(o.duration for o in t.spans if svc(o) == svc(s)) > 100 * MS)

for trace, query, ids in CASES:
    print(trace, query, " ".join(ids), sep="\t")
print(len(CASES), file=sys.stderr)
