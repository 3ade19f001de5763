// Finding spans: words, and `field:value` as in TraceQL's intrinsics. Pure.

const NANOS = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, m: 6e10 };

/** The words of a search; a quoted one may hold spaces. */
function words(text) {
  return (text.match(/(?:[^\s"]|"[^"]*"?)+/g) || []).map((word) => word.replaceAll('"', ""));
}

/** Whether a span is meant, as a function of its row; `null` if nothing is asked for. */
function spanQuery(text, trace) {
  const tests = words(text.toLowerCase()).map((word) => spanTest(word, trace));
  return tests.length === 0 ? null : (row) => tests.every((test) => test(row));
}

function spanTest(word, trace) {
  const asked = /^(service|name|kind|status|id|duration|self)(>=|<=|[:=><])(.+)$/.exec(word);
  if (asked) {
    const [, field, sign, value] = asked;
    if (field === "duration" || field === "self") {
      const span = /^([<>]=?)?([\d.]+)(ns|us|µs|ms|s|m)?$/.exec(value);
      const limit = span && Number(span[2]) * NANOS[span[3] || "ms"];
      const way = (span && span[1]) || (sign === ":" || sign === "=" ? ">=" : sign);
      const of = (row) => (field === "self" ? trace.self(row) : trace.took(row));
      if (!span || Number.isNaN(limit)) return () => false;
      return (row) => ({ ">": of(row) > limit, "<": of(row) < limit, ">=": of(row) >= limit, "<=": of(row) <= limit })[way];
    }
    const texts = {
      service: (row) => trace.service(row).name, name: (row) => trace.name(row), kind: (row) => trace.kind(row),
      status: (row) => trace.status(row), id: (row) => trace.spanId(row),
    };
    return (row) => texts[field](row).toLowerCase().includes(value);
  }
  const attribute = /^\.?([\w.-]+)=(.+)$/.exec(word);
  if (attribute && trace.data.details) {
    const [, key, value] = attribute;
    const wanted = new Set(trace.data.attributes.flatMap((_, at) => {
      const one = trace.attribute(at);
      return one.key.toLowerCase() === key && one.value.toLowerCase().includes(value) ? [at] : [];
    }));
    return (row) => {
      const [resource, , own] = trace.data.details[row];
      return own.some((at) => wanted.has(at)) || (trace.data.resources[resource] || []).some((at) => wanted.has(at));
    };
  }
  const texts = new Set(trace.data.texts.flatMap((text, at) => (text.toLowerCase().includes(word) ? [at] : [])));
  const values = new Set(trace.data.attributes.flatMap(([key, , value], at) => (texts.has(key) || texts.has(value) ? [at] : [])));
  return (row) =>
    texts.has(trace.data.rows[row][NAME]) || trace.service(row).name.toLowerCase().includes(word) ||
    trace.spanId(row) === word || (trace.data.details !== null && says(trace.data.details[row], texts, values));
}

/** Whether something that a span says is among these texts or attributes. */
function says([, , own, events, , message], texts, values) {
  return own.some((at) => values.has(at)) || texts.has(message) ||
    events.some(([, name, all]) => texts.has(name) || all.some((at) => values.has(at)));
}
